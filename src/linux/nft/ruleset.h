// A model of nftables tables (nft(8)): what they hold, as values. It is written to the kernel by nft/batch.h, as text
// by nft/render.h, and interpreted by nft/tracer.h. Pure.
//
// It has what Wherry's own tables use and no more: families ip and ip6, sets, maps of data, and rules made of the
// statements below. A map of verdicts is for few: the kernel validates all rules of a table again whenever it changes.
// Every key, element and literal is raw register content: each field in its own multiple of four bytes, in network byte
// order but for marks and slot numbers, as the kernel compares it. Data builds it, FieldType reads it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip_address.h"

namespace wherry::linux::nft {

using base::IpFamily;  // of a table: ip or ip6

enum class FieldType { kAddress, kAddress6, kProtocol, kPort, kNumber, kInterface };

constexpr FieldType addressType(IpFamily family) {
  return family == IpFamily::kIPv4 ? FieldType::kAddress : FieldType::kAddress6;
}

// Bytes in registers: 4, but 16 for an IPv6 address and an interface's name.
size_t registerBytes(FieldType type);

// The content of consecutive registers.
class Data {
 public:
  Data& address(const base::IpAddress& address);
  Data& protocol(uint8_t protocol);  // IPPROTO_...
  Data& port(uint16_t port);
  Data& number(uint32_t number);  // a mark, a slot, a count: host byte order
  Data& interface(std::string_view name);
  Data& interfacesFrom(std::string_view prefix);  // all whose names begin so; only as the literal of a Match

  const std::string& bytes() const { return bytes_; }
  static Data fromBytes(std::string_view registers);
  auto operator<=>(const Data&) const = default;

 private:
  std::string bytes_;
};

enum class VerdictKind { kAccept, kDrop, kReturn, kJump, kGoto };

struct Verdict {
  VerdictKind kind = VerdictKind::kAccept;
  std::string chain;  // of kJump and kGoto
  auto operator<=>(const Verdict&) const = default;
};

// What a packet is asked for.
enum class Field {
  kSourceAddress,       // ip saddr, in a table of family ip6: ip6 saddr
  kDestinationAddress,  // ip daddr
  kProtocol,            // meta l4proto
  kSourcePort,          // th sport
  kDestinationPort,     // th dport
  kMark,                // meta mark
  kInputInterface,      // iifname
  kOutputInterface,     // oifname
  // Of the connection, the same in both directions: its first packet as it was sent, and who answers.
  kOriginalSource,           // ct original ip saddr
  kOriginalDestination,      // ct original ip daddr
  kOriginalDestinationPort,  // ct original proto-dst
  kReplySource,              // ct reply ip saddr
  kReplySourcePort,          // ct reply proto-src
  kConnectionProtocol,       // ct protocol: of what an ICMP error is about, not ICMP
  kConnectionMark,           // ct mark
};
FieldType typeOf(Field field, IpFamily family);

// A number drawn anew for each packet: 0 <= number < modulus.
struct RandomNumber {
  uint32_t modulus = 1;
};
using KeyPart = std::variant<Field, RandomNumber>;
using Key = std::vector<KeyPart>;  // joined by " . "

// Statements. A rule ends at the first that does not apply.
struct Match {  // ip daddr 10.96.0.0/12; only an address may have a prefix shorter than its whole
  Field field;
  enum class Operator { kEqual, kNotEqual } op = Operator::kEqual;
  Data value;
  uint8_t prefixLength = 128;  // as many bits as there are
};
struct MatchSet {  // ip daddr . meta l4proto . th dport @noendpoints
  Key key;
  std::string set;
  enum class Operator { kIn, kNotIn } op = Operator::kIn;
};
struct MatchOpening {};        // tcp flags syn / syn,ack: asks for a connection
struct MatchInvalid {};        // ct state invalid: belongs to no connection, nor begins one
struct MatchNew {};            // ct state new: begins a connection
struct MatchTranslated {};     // ct status dnat
struct MatchLocal {};          // fib daddr type local: the destination is an address of the node, loopback included
struct MatchNotFromThere {};   // fib saddr . iif oif missing: answers would leave by another link
struct MatchForeignSource {};  // fib saddr type != local: the source is no address of the node
struct MatchReply {};          // ct direction reply: sent to who began the connection
struct DestinationNat {        // dnat to <key> map @<map>, whose data are address . port
  Key key;
  std::string map;
};
// update @affinity { <key> timeout 10s : <data> }: gives the map an element, unless it has one for the key, which then
// lives on for as long again.
struct RememberFor {
  std::string map;
  Key key;
  std::chrono::seconds timeout;
  Key data;
};
struct CountIn {  // update @traffic { <key> counter }
  std::string set;
  Key key;
};
struct DecideBy {  // ip daddr vmap @ingress: the verdict that the map has for the key, if any
  Key key;
  std::string map;
};
struct LeaveUntracked {};  // notrack
struct MarkConnection {    // ct mark set 0x00000001
  uint32_t mark;
};
struct MarkPacket {  // meta mark set 0x00000001
  uint32_t mark;
};
struct MasqueradeSource {};
enum class RejectWith { kTcpReset, kPortUnreachable };
struct Reject {
  RejectWith with;
};
using Statement = std::variant<Match, MatchSet, MatchOpening, MatchInvalid, MatchNew, MatchTranslated, MatchLocal,
                               MatchNotFromThere, MatchForeignSource, MatchReply, DestinationNat, RememberFor, CountIn,
                               DecideBy, LeaveUntracked, MarkConnection, MarkPacket, MasqueradeSource, Reject, Verdict>;

struct Rule {
  std::vector<Statement> statements;
};

// kRoute, at the output hook: a packet whose mark a rule changes is routed again.
enum class ChainType { kFilter, kNat, kRoute };
std::string_view chainTypeName(ChainType type);  // as nft(8) and the kernel call it
enum class HookPoint { kPrerouting, kInput, kForward, kOutput, kPostrouting };
struct Hook {
  ChainType type;
  HookPoint point;
  int priority;
};
inline constexpr int kPriorityRaw = -300;     // before connection tracking
inline constexpr int kPriorityMangle = -150;  // before any translation
inline constexpr int kPriorityDestinationNat = -100;
inline constexpr int kPriorityFilter = 0;
inline constexpr int kPrioritySourceNat = 100;

struct Chain {
  std::string name;
  std::optional<Hook> hook;  // without one it is reached by jump and goto only; policy is accept
  std::vector<Rule> rules;
};

using Type = std::vector<FieldType>;

// Packets fill the set, up to that many elements.
struct Dynamic {
  uint32_t size = 0;
};
struct Set {
  std::string name;
  Type type;
  std::set<Data> elements;
  std::optional<std::map<Data, Data>> ranges = std::nullopt;  // instead: first to last of each field; none overlap
  std::optional<Dynamic> dynamic = std::nullopt;
};
struct DataMap {
  std::string name;
  Type type;
  Type dataType;
  std::map<Data, Data> elements;
  std::optional<Dynamic> dynamic = std::nullopt;  // its elements have an end
};

struct VerdictMap {
  std::string name;
  Type type;
  std::map<Data, Verdict> elements;
};

struct Table {
  std::string name;
  std::vector<Set> sets;
  std::vector<DataMap> maps;
  std::vector<Chain> chains;
  IpFamily family = IpFamily::kIPv4;
  std::vector<VerdictMap> verdictMaps = {};

  // Null when missing.
  const Set* findSet(std::string_view set) const;
  const DataMap* findMap(std::string_view map) const;
  const VerdictMap* findVerdictMap(std::string_view map) const;
  const Chain* findChain(std::string_view chain) const;
};

}  // namespace wherry::linux::nft
