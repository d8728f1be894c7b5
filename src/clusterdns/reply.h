// What a resolver said about a name: its message in wire form, read and judged once and then only copied into answers.
// Immutable, safe from any thread; pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"

namespace wherry::clusterdns {

class Reply;
using ReplyPtr = std::shared_ptr<const Reply>;

class Reply {
 public:
  // CoreDNS's words: records, the proof that there are none (NXDOMAIN, NODATA), and what says neither.
  enum class Kind { kSuccess, kDenial, kError };

  // Null for what is no sound response to one question: untrusted bytes.
  static ReplyPtr read(std::string_view packet);
  // That nobody could say anything (SERVFAIL), to this question.
  static ReplyPtr failure(const dns::Name& name, dns::Type type);

  dns::Rcode rcode() const { return rcode_; }
  bool truncated() const { return truncated_; }
  bool edns() const { return edns_; }
  Kind kind() const { return kind_; }
  // How long it may be kept: the least TTL of its records, of a denial what RFC 2308 section 5 says. Nothing: not at
  // all.
  std::optional<std::chrono::seconds> lifetime() const { return lifetime_; }
  size_t size() const;  // bytes of memory

  // The question section in wire form, in the case as it came.
  std::string_view question() const { return std::string_view(packet_).substr(dns::kHeaderSize, questionSize_); }

  // How old it is, and how long whoever gets it may keep it.
  struct Age {
    uint32_t passed = 0;  // seconds, taken off every TTL
    uint32_t left = 0;    // no TTL is higher; what is stale has none lower either
    bool stale = false;
  };
  // Into the response to a query for the same name. REQUIRES: reset(), no record yet.
  void writeTo(dns::ResponseWriter& writer, const dns::Query& query, Age age) const;
  // The same behind an alias that the response holds already.
  void appendTo(dns::ResponseWriter& writer, Age age) const;

 private:
  void judge(const dns::Places& places);
  static uint32_t ttlNow(uint32_t ttl, Age age);

  std::string packet_;  // without OPT
  size_t questionSize_ = 0;
  std::array<uint16_t, 3> counts_{};
  struct Ttl {
    uint16_t at;
    uint32_t seconds;
  };
  std::vector<Ttl> ttls_;
  dns::Type qtype_{};
  dns::Rcode rcode_{};
  bool truncated_ = false, authenticData_ = false, edns_ = false;
  Kind kind_ = Kind::kError;
  std::optional<std::chrono::seconds> lifetime_;
};

}  // namespace wherry::clusterdns
