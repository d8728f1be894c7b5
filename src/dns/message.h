// DNS messages (RFC 1035 section 4, EDNS: RFC 6891): reading a query, writing a response into a bounded buffer with
// name compression, and reading a whole message back. No sockets. Untrusted bytes never throw.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"
#include "dns/record.h"

namespace wherry::dns {

// RFC 1035 section 4.1.1, RFC 6891 section 9 (BADVERS is an extended one).
enum class Rcode : uint8_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kBadVers = 16,
};
std::string_view rcodeName(Rcode rcode);

constexpr size_t kHeaderSize = 12;
constexpr size_t kMinUdpSize = 512;
// What an answer over UDP may take at most, whatever the client offers: no fragments (DNS flag day 2020).
constexpr size_t kMaxUdpSize = 1232;

// A query as a server needs it. Points into the packet it was read from, but for the lower-case labels.
class Query {
 public:
  // Nothing: not a query at all, drop it (shorter than a header, or a response). Otherwise `error` says what to refuse
  // it with; then only the header is sure to be right.
  static std::optional<Query> read(std::string_view packet);

  uint16_t id() const { return id_; }
  bool recursionDesired() const { return recursionDesired_; }
  uint8_t opcode() const { return opcode_; }
  Rcode error() const { return error_; }
  bool hasQuestion() const { return questionSize_ > 0; }
  std::string_view packet() const { return packet_; }
  // The question section's bytes, in the case as asked (it is echoed).
  std::string_view question() const { return packet_.substr(kHeaderSize, questionSize_); }
  std::string_view qname() const { return packet_.substr(kHeaderSize, questionSize_ - 4); }  // wire form
  Type qtype() const { return qtype_; }
  uint16_t qclass() const { return qclass_; }
  bool edns() const { return edns_; }
  uint16_t udpSize() const { return udpSize_; }  // as offered; kMinUdpSize without EDNS

  // The labels, first to last, in lower case.
  size_t labelCount() const { return labelCount_; }
  std::string_view label(size_t index) const;
  // The wire form from label `index` on, in lower case.
  std::string_view lowerFrom(size_t index) const;

 private:
  bool readQuestion();
  void readAdditional(size_t at, unsigned records);

  std::string_view packet_;
  std::array<char, kMaxNameWire> lower_;
  std::array<uint8_t, 128> labelAt_;
  size_t labelCount_ = 0;
  size_t nameSize_ = 0;
  size_t questionSize_ = 0;
  uint16_t id_ = 0;
  uint8_t opcode_ = 0;
  bool recursionDesired_ = false;
  bool edns_ = false;
  uint16_t udpSize_ = kMinUdpSize;
  Type qtype_{};
  uint16_t qclass_ = 0;
  Rcode error_ = Rcode::kNoError;
};

enum class Section { kAnswer = 0, kAuthority = 1, kAdditional = 2 };

// Writes one response. Owner names are compressed; a record that no longer fits sets TC (answer and authority) or is
// left out (additional). Not thread-safe; reset() makes it ready for the next one without allocating.
class ResponseWriter {
 public:
  // The response to `query`: same id, opcode, RD and question; `limit` bytes at most.
  void reset(const Query& query, size_t limit);
  void setRcode(Rcode rcode) { rcode_ = rcode; }
  void setAuthoritative() { authoritative_ = true; }
  void setRecursionAvailable() { recursionAvailable_ = true; }
  void setTruncated() { truncated_ = true; }

  // False when it did not fit.
  bool addRecord(Section section, std::string_view owner, Type type, uint32_t ttl, std::string_view rdata);
  bool addAddress(Section section, std::string_view owner, uint32_t ttl, std::string_view address);
  bool addSrv(Section section, std::string_view owner, uint32_t ttl, uint16_t priority, uint16_t weight, uint16_t port,
              std::string_view target);
  bool addRecord(Section section, const Record& record);

  bool truncated() const { return truncated_; }
  // The finished message, valid until the next reset().
  std::string_view finish();

 private:
  void appendName(std::string_view wire);
  void append16(uint16_t value);
  void append32(uint32_t value);
  size_t findSuffix(std::string_view wire) const;

  std::string out_;
  size_t limit_ = 0;
  size_t reserved_ = 0;  // for the OPT record
  struct Suffix {
    uint32_t hash;
    uint16_t offset;
  };
  std::vector<Suffix> suffixes_;
  std::array<uint16_t, 3> counts_{};
  Rcode rcode_ = Rcode::kNoError;
  bool edns_ = false;
  bool authoritative_ = false;
  bool recursionAvailable_ = false;
  bool truncated_ = false;
};

// A whole message, for tests, tools and forwarding.
struct Message {
  uint16_t id = 0;
  bool response = false, authoritative = false, truncated = false, recursionDesired = false, recursionAvailable = false;
  uint8_t opcode = 0;
  Rcode rcode = Rcode::kNoError;
  Name qname;
  Type qtype{};
  std::vector<Record> answer, authority, additional;  // without OPT
  bool edns = false;
};
std::optional<Message> readMessage(std::string_view packet);
std::string writeQuery(uint16_t id, const Name& name, Type type, std::optional<uint16_t> udpSize);

// As dig shows it: rcode and flags, then the records of each section.
std::string renderMessage(const Message& message);

}  // namespace wherry::dns
