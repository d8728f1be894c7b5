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
  kNotAuth = 9,
  kBadVers = 16,
};
std::string_view rcodeName(Rcode rcode);

constexpr size_t kHeaderSize = 12;
constexpr size_t kMaxPointer = 0x3fff;  // how far a compressed name reaches
constexpr size_t kMinUdpSize = 512;
// What an answer over UDP may take at most, whatever the client offers: no fragments (DNS flag day 2020).
constexpr size_t kMaxUdpSize = 1232;

// A query as a server needs it. Points into the packet it was read from, but for the lower-case name.
class Query {
 public:
  // Nothing: not a query at all, drop it (shorter than a header, or a response). Otherwise `error` says what to refuse
  // it with; then only the header is sure to be right.
  static std::optional<Query> read(std::string_view packet);

  uint16_t id() const { return id_; }
  bool recursionDesired() const { return recursionDesired_; }
  bool authenticData() const { return authenticData_; }        // RFC 6840 section 5.7: the answer's AD is wanted
  bool checkingDisabled() const { return checkingDisabled_; }  // RFC 4035 section 3.2.2
  uint8_t opcode() const { return opcode_; }
  Rcode error() const { return error_; }
  // Without an error it has one, but when somebody only asks for a cookie (RFC 7873 section 5.4).
  bool hasQuestion() const { return questionSize_ > 0; }
  std::string_view packet() const { return packet_; }
  // The question section's bytes, in the case as asked (it is echoed).
  std::string_view question() const { return packet_.substr(kHeaderSize, questionSize_); }
  std::string_view qname() const { return packet_.substr(kHeaderSize, questionSize_ - 4); }  // wire form
  Type qtype() const { return qtype_; }
  uint16_t qclass() const { return qclass_; }

  bool edns() const { return edns_; }
  uint16_t udpSize() const { return udpSize_; }  // as offered; kMinUdpSize without EDNS
  bool dnssecOk() const { return dnssecOk_; }
  // RFC 7873: as the client sent it, its own half and then the server's, if it has one; "" without.
  std::string_view cookie() const { return cookie_; }
  // RFC 7828: the client would like to know how long a connection may be idle.
  bool asksForKeepalive() const { return asksForKeepalive_; }

  // The question's name in lower case.
  const LowerName& name() const { return name_; }
  size_t labelCount() const { return name_.labelCount(); }
  std::string_view label(size_t index) const { return name_.label(index); }
  std::string_view lowerFrom(size_t index) const { return name_.from(index); }

 private:
  bool readQuestion();
  void readRecords(size_t at, unsigned records);
  bool readOpt(size_t type, std::string_view options);

  std::string_view packet_;
  LowerName name_;
  size_t questionSize_ = 0;
  uint16_t id_ = 0;
  uint8_t opcode_ = 0;
  bool recursionDesired_ = false;
  bool authenticData_ = false;
  bool checkingDisabled_ = false;
  bool edns_ = false;
  bool dnssecOk_ = false;
  bool asksForKeepalive_ = false;
  uint16_t udpSize_ = kMinUdpSize;
  std::string_view cookie_;
  Type qtype_{};
  uint16_t qclass_ = 0;
  Rcode error_ = Rcode::kNoError;
};

// Where the target stands in an SRV record's data (RFC 2782).
constexpr size_t kSrvTarget = 6;
constexpr size_t kClientCookieSize = 8, kServerCookieSize = 16;  // RFC 7873, RFC 9018

enum class Section { kAnswer = 0, kAuthority = 1, kAdditional = 2 };

// Who a record belongs to: a name in wire form and lower case, or one that the message already holds.
class Owner {
 public:
  Owner(std::string_view wire) : wire_(wire) {}               // NOLINT: a name is an owner
  Owner(const std::string& wire) : wire_(wire) {}             // NOLINT
  static Owner question() { return Owner({}, kHeaderSize); }  // the question's name
  // `at`: where the name stands in the message, if a pointer reaches there; else `wire` is written.
  Owner(std::string_view wire, size_t at) : wire_(wire), at_(at) {}

 private:
  friend class ResponseWriter;
  std::string_view wire_;
  size_t at_ = 0;
};

// Writes one response. Owner names are compressed; a record that no longer fits sets TC (answer and authority) or is
// left out (additional). Not thread-safe; reset() makes it ready for the next one without allocating.
class ResponseWriter {
 public:
  // The next responses go into this memory, which holds what reset() is told as limit, and kMinUdpSize at least; null:
  // into the writer's own.
  void writeInto(char* buffer) { given_ = buffer; }
  // The response to `query`: same id, opcode, RD and question; `limit` bytes at most.
  void reset(const Query& query, size_t limit);
  void setRcode(Rcode rcode) { rcode_ = rcode; }
  Rcode rcode() const { return rcode_; }
  void setAuthoritative() { authoritative_ = true; }
  void setRecursionAvailable() { recursionAvailable_ = true; }
  void setAuthenticData() { authenticData_ = true; }
  void setTruncated() { truncated_ = true; }
  // RFC 8914; sent when the query has EDNS and there is room for it.
  void setExtendedError(uint16_t code);
  // Goes with the client's own, when the query had one.
  void setServerCookie(std::string_view cookie) { serverCookie_ = cookie; }
  // In units of 100 ms; sent when the query asked for it.
  void setKeepalive(uint16_t timeout) { keepalive_ = timeout; }

  // Where the record's data stands in the message; 0 when it did not fit.
  size_t addRecord(Section section, Owner owner, Type type, uint32_t ttl, std::string_view rdata);
  size_t addAddress(Section section, Owner owner, uint32_t ttl, std::string_view address);
  size_t addSrv(Section section, Owner owner, uint32_t ttl, uint16_t priority, uint16_t weight, uint16_t port,
                std::string_view target);
  size_t addRecord(Section section, const Record& record);
  // All records at once, as they stand behind the same question in another message: names that point back into it go on
  // pointing right. False, and truncated, when they don't fit. REQUIRES: no record was added before.
  bool addRecords(std::string_view wire, const std::array<uint16_t, 3>& counts);
  // REQUIRES: addRecords() brought a record whose TTL stands at `at` of the message.
  void setTtl(size_t at, uint32_t ttl);

  bool truncated() const { return truncated_; }
  bool authoritative() const { return authoritative_; }
  // How many bytes more fit.
  size_t room() const { return room_ > size_ ? room_ - size_ : 0; }

  // The finished message, valid until the next reset().
  std::string_view finish();

 private:
  size_t ownerSize(const Owner& owner, size_t& pointer) const;
  bool endsQuestion(std::string_view suffix) const;
  void put16(size_t value);
  void put32(uint32_t value);
  void put(std::string_view bytes);
  void finishOpt();

  std::vector<char> own_;
  char* given_ = nullptr;
  char* out_ = nullptr;
  size_t size_ = 0;
  size_t room_ = 0;      // without what the OPT record takes
  size_t nameSize_ = 0;  // of the question's name; 0 when there is none
  uint16_t flags_ = 0;
  bool edns_ = false, dnssecOk_ = false, asksForKeepalive_ = false;
  std::string clientCookie_;  // "" when the query had none
  std::array<uint16_t, 3> counts_{};
  Rcode rcode_ = Rcode::kNoError;
  std::string_view serverCookie_;
  std::optional<uint16_t> keepalive_;
  std::optional<uint16_t> extendedError_;
  bool authoritative_ = false;
  bool authenticData_ = false;
  bool recursionAvailable_ = false;
  bool truncated_ = false;
};

// The records of a message where they stand in it, unread: owners' names may be compressed.
struct RecordPlace {
  Section section;
  Type type;
  size_t at;     // where the owner's name begins
  size_t ttlAt;  // where the TTL stands
  uint32_t ttl;  // seconds
  std::string_view data;
};
struct Places {
  size_t questionEnd = 0;
  size_t end = 0;  // of the last record
  std::vector<RecordPlace> records;
};
// Nothing unless the packet has one question and all the records that its header says.
std::optional<Places> locateRecords(std::string_view packet);

// A whole message, for tests, tools and forwarding.
struct Message {
  uint16_t id = 0;
  bool response = false, authoritative = false, truncated = false, recursionDesired = false, recursionAvailable = false;
  bool authenticData = false, checkingDisabled = false;
  uint8_t opcode = 0;
  Rcode rcode = Rcode::kNoError;
  Name qname;
  Type qtype{};
  std::vector<Record> answer, authority, additional;  // without OPT
  bool edns = false, dnssecOk = false;
  std::string options;  // of EDNS, in wire form
};
std::optional<Message> readMessage(std::string_view packet);
std::string writeQuery(uint16_t id, const Name& name, Type type, std::optional<uint16_t> udpSize);

// What a resolver is asked; the name's case stays as it is.
struct Asked {
  uint16_t id = 0;
  Name name;
  Type type{};
  std::optional<uint16_t> udpSize;  // without: no EDNS, and nothing of what needs it
  bool dnssecOk = false, authenticData = false, checkingDisabled = false;
  size_t padTo = 0;  // the message's length is a multiple of it (RFC 8467), which hides the name's; 0: no padding
};
std::string writeQuery(const Asked& asked);

// As dig shows it: rcode and flags, then the records of each section.
std::string renderMessage(const Message& message);

}  // namespace wherry::dns
