#include "linux/nft/expressions.h"

#include <algorithm>

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace wherry::linux::nft {
namespace {

// Keys are gathered from here on; what a map answers replaces its key.
constexpr uint32_t kFirst = NFT_REG32_00;

// One expression: its name, and its attributes until it goes out of scope.
class Expression {
 public:
  Expression(NetlinkMessage& message, std::string_view name)
      : message_(message), element_(message.nest(NFTA_LIST_ELEM)) {
    message.text(NFTA_EXPR_NAME, name);
    data_ = message.nest(NFTA_EXPR_DATA);
  }
  ~Expression() {
    message_.endNest(data_);
    message_.endNest(element_);
  }
  Expression(const Expression&) = delete;
  Expression& operator=(const Expression&) = delete;

  void number(uint16_t type, uint32_t value) { message_.be32(type, value); }
  void text(uint16_t type, std::string_view value) { message_.text(type, value); }
  void value(uint16_t type, std::string_view bytes) {
    auto nest = message_.nest(type);
    message_.bytes(NFTA_DATA_VALUE, bytes);
    message_.endNest(nest);
  }

 private:
  NetlinkMessage& message_;
  size_t element_;
  size_t data_ = 0;
};

void loadPayload(NetlinkMessage& message, uint32_t base, uint32_t offset, uint32_t length, uint32_t to) {
  Expression payload(message, "payload");
  payload.number(NFTA_PAYLOAD_DREG, to);
  payload.number(NFTA_PAYLOAD_BASE, base);
  payload.number(NFTA_PAYLOAD_OFFSET, offset);
  payload.number(NFTA_PAYLOAD_LEN, length);
}

void loadMeta(NetlinkMessage& message, uint32_t key, uint32_t to) {
  Expression meta(message, "meta");
  meta.number(NFTA_META_DREG, to);
  meta.number(NFTA_META_KEY, key);
}

void loadOfConnection(NetlinkMessage& message, uint32_t key, uint8_t direction, uint32_t to) {
  Expression ct(message, "ct");
  ct.number(NFTA_CT_DREG, to);
  ct.number(NFTA_CT_KEY, key);
  message.u8(NFTA_CT_DIRECTION, direction);
}

void loadOfConnection(NetlinkMessage& message, uint32_t key, uint32_t to) {
  Expression ct(message, "ct");
  ct.number(NFTA_CT_DREG, to);
  ct.number(NFTA_CT_KEY, key);
}

// Where the headers of a family have their addresses, and how connection tracking calls them.
struct Addresses {
  uint32_t sourceOffset, destinationOffset, bytes;
  uint32_t ofConnectionSource, ofConnectionDestination;
};
constexpr Addresses addressesOf(IpFamily family) {
  return family == IpFamily::kIPv4 ? Addresses{12, 16, 4, NFT_CT_SRC_IP, NFT_CT_DST_IP}
                                   : Addresses{8, 24, 16, NFT_CT_SRC_IP6, NFT_CT_DST_IP6};
}

void loadField(NetlinkMessage& message, Field field, IpFamily family, uint32_t to) {
  const Addresses at = addressesOf(family);
  switch (field) {
    case Field::kSourceAddress:
      return loadPayload(message, NFT_PAYLOAD_NETWORK_HEADER, at.sourceOffset, at.bytes, to);
    case Field::kDestinationAddress:
      return loadPayload(message, NFT_PAYLOAD_NETWORK_HEADER, at.destinationOffset, at.bytes, to);
    case Field::kProtocol:
      return loadMeta(message, NFT_META_L4PROTO, to);
    case Field::kSourcePort:
      return loadPayload(message, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, to);
    case Field::kDestinationPort:
      return loadPayload(message, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, to);
    case Field::kMark:
      return loadMeta(message, NFT_META_MARK, to);
    case Field::kInputInterface:
      return loadMeta(message, NFT_META_IIFNAME, to);
    case Field::kOutputInterface:
      return loadMeta(message, NFT_META_OIFNAME, to);
    case Field::kOriginalSource:
      return loadOfConnection(message, at.ofConnectionSource, IP_CT_DIR_ORIGINAL, to);
    case Field::kOriginalDestination:
      return loadOfConnection(message, at.ofConnectionDestination, IP_CT_DIR_ORIGINAL, to);
    case Field::kOriginalDestinationPort:
      return loadOfConnection(message, NFT_CT_PROTO_DST, IP_CT_DIR_ORIGINAL, to);
    case Field::kReplySource:
      return loadOfConnection(message, at.ofConnectionSource, IP_CT_DIR_REPLY, to);
    case Field::kReplySourcePort:
      return loadOfConnection(message, NFT_CT_PROTO_SRC, IP_CT_DIR_REPLY, to);
    case Field::kConnectionProtocol:
      return loadOfConnection(message, NFT_CT_PROTOCOL, IP_CT_DIR_ORIGINAL, to);
    case Field::kConnectionMark:
      return loadOfConnection(message, NFT_CT_MARK, to);
  }
}

void loadRandom(NetlinkMessage& message, RandomNumber random, uint32_t to) {
  Expression number(message, "numgen");
  number.number(NFTA_NG_DREG, to);
  number.number(NFTA_NG_MODULUS, random.modulus);
  number.number(NFTA_NG_TYPE, NFT_NG_RANDOM);
  number.number(NFTA_NG_OFFSET, 0);
}

// Returns the first register behind it.
uint32_t loadKey(NetlinkMessage& message, const Key& key, IpFamily family, uint32_t to = kFirst) {
  for (const KeyPart& part : key) {
    if (const auto* random = std::get_if<RandomNumber>(&part)) {
      loadRandom(message, *random, to);
      to += 1;
    } else {
      Field field = std::get<Field>(part);
      loadField(message, field, family, to);
      to += static_cast<uint32_t>(registerBytes(typeOf(field, family)) / 4);
    }
  }
  return to;
}

void compare(NetlinkMessage& message, uint32_t op, std::string_view value) {
  Expression cmp(message, "cmp");
  cmp.number(NFTA_CMP_SREG, kFirst);
  cmp.number(NFTA_CMP_OP, op);
  cmp.value(NFTA_CMP_DATA, value);
}

void maskFirst(NetlinkMessage& message, const std::string& maskInRegisters) {
  Expression bitwise(message, "bitwise");
  bitwise.number(NFTA_BITWISE_SREG, kFirst);
  bitwise.number(NFTA_BITWISE_DREG, kFirst);
  bitwise.number(NFTA_BITWISE_LEN, static_cast<uint32_t>(maskInRegisters.size()));
  bitwise.value(NFTA_BITWISE_MASK, maskInRegisters);
  bitwise.value(NFTA_BITWISE_XOR, std::string(maskInRegisters.size(), '\0'));
}

// The registers hold zeros behind a protocol and a port; only what was loaded is compared. Of an interface that may be
// the beginning of its name.
size_t comparedBytes(FieldType type, const Data& value) {
  if (type == FieldType::kProtocol) return 1;
  if (type == FieldType::kPort) return 2;
  return std::min(registerBytes(type), value.bytes().size());
}

void put(NetlinkMessage& message, const Match& match, IpFamily family) {
  loadField(message, match.field, family, kFirst);
  FieldType type = typeOf(match.field, family);
  if (type == addressType(family) && match.prefixLength < base::addressBits(family)) {
    maskFirst(message, base::IpPrefix(base::IpAddress::unspecified(family), match.prefixLength).mask().bytes());
  }
  uint32_t op = match.op == Match::Operator::kEqual ? NFT_CMP_EQ : NFT_CMP_NEQ;
  compare(message, op, std::string_view(match.value.bytes()).substr(0, comparedBytes(type, match.value)));
}

void put(NetlinkMessage& message, const MatchSet& match, IpFamily family) {
  loadKey(message, match.key, family);
  Expression lookup(message, "lookup");
  lookup.text(NFTA_LOOKUP_SET, match.set);
  lookup.number(NFTA_LOOKUP_SREG, kFirst);
  if (match.op == MatchSet::Operator::kNotIn) lookup.number(NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
}

void put(NetlinkMessage& message, const MatchOpening&, IpFamily) {
  constexpr uint32_t kFlagsOffset = 13;  // RFC 9293 section 3.1
  loadMeta(message, NFT_META_L4PROTO, kFirst);
  compare(message, NFT_CMP_EQ, std::string(1, IPPROTO_TCP));
  loadPayload(message, NFT_PAYLOAD_TRANSPORT_HEADER, kFlagsOffset, 1, kFirst);
  maskFirst(message, std::string(1, TH_SYN | TH_ACK));
  compare(message, NFT_CMP_EQ, std::string(1, TH_SYN));
}

void putConnectionBit(NetlinkMessage& message, uint32_t key, uint32_t bit) {
  loadOfConnection(message, key, kFirst);
  maskFirst(message, {reinterpret_cast<const char*>(&bit), sizeof bit});
  compare(message, NFT_CMP_NEQ, std::string_view("\0\0\0\0", 4));
}

void put(NetlinkMessage& message, const MatchInvalid&, IpFamily) {
  putConnectionBit(message, NFT_CT_STATE, NF_CT_STATE_INVALID_BIT);
}
void put(NetlinkMessage& message, const MatchNew&, IpFamily) {
  putConnectionBit(message, NFT_CT_STATE, NF_CT_STATE_BIT(IP_CT_NEW));
}
void put(NetlinkMessage& message, const MatchTranslated&, IpFamily) {
  putConnectionBit(message, NFT_CT_STATUS, IPS_DST_NAT);
}

// Compares whether the address that `flag` says is the node's.
void putLocal(NetlinkMessage& message, uint32_t flag, uint32_t op) {
  {
    Expression fib(message, "fib");
    fib.number(NFTA_FIB_DREG, kFirst);
    fib.number(NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    fib.number(NFTA_FIB_FLAGS, flag);
  }
  uint32_t local = RTN_LOCAL;
  compare(message, op, {reinterpret_cast<const char*>(&local), sizeof local});
}

void put(NetlinkMessage& message, const MatchLocal&, IpFamily) { putLocal(message, NFTA_FIB_F_DADDR, NFT_CMP_EQ); }
void put(NetlinkMessage& message, const MatchForeignSource&, IpFamily) {
  putLocal(message, NFTA_FIB_F_SADDR, NFT_CMP_NEQ);
}

void put(NetlinkMessage& message, const MatchReply&, IpFamily) {
  loadOfConnection(message, NFT_CT_DIRECTION, kFirst);
  compare(message, NFT_CMP_EQ, std::string(1, IP_CT_DIR_REPLY));
}

void put(NetlinkMessage& message, const MatchNotFromThere&, IpFamily) {
  {
    Expression fib(message, "fib");
    fib.number(NFTA_FIB_DREG, kFirst);
    fib.number(NFTA_FIB_RESULT, NFT_FIB_RESULT_OIF);
    fib.number(NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR | NFTA_FIB_F_IIF);
  }
  compare(message, NFT_CMP_EQ, std::string_view("\0\0\0\0", 4));
}

void put(NetlinkMessage& message, const DestinationNat& statement, IpFamily family) {
  loadKey(message, statement.key, family);
  {
    Expression lookup(message, "lookup");
    lookup.text(NFTA_LOOKUP_SET, statement.map);
    lookup.number(NFTA_LOOKUP_SREG, kFirst);
    lookup.number(NFTA_LOOKUP_DREG, kFirst);
  }
  Expression nat(message, "nat");
  nat.number(NFTA_NAT_TYPE, NFT_NAT_DNAT);
  nat.number(NFTA_NAT_FAMILY, nftFamily(family));
  nat.number(NFTA_NAT_REG_ADDR_MIN, kFirst);
  nat.number(NFTA_NAT_REG_PROTO_MIN, kFirst + addressesOf(family).bytes / 4);
}

void put(NetlinkMessage& message, const RememberFor& statement, IpFamily family) {
  uint32_t data = loadKey(message, statement.key, family);
  loadKey(message, statement.data, family, data);
  Expression update(message, "dynset");
  update.text(NFTA_DYNSET_SET_NAME, statement.map);
  update.number(NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
  update.number(NFTA_DYNSET_SREG_KEY, kFirst);
  update.number(NFTA_DYNSET_SREG_DATA, data);
  message.be64(NFTA_DYNSET_TIMEOUT, static_cast<uint64_t>(std::chrono::milliseconds(statement.timeout).count()));
}

void put(NetlinkMessage& message, const CountIn& statement, IpFamily family) {
  loadKey(message, statement.key, family);
  Expression update(message, "dynset");
  update.text(NFTA_DYNSET_SET_NAME, statement.set);
  update.number(NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
  update.number(NFTA_DYNSET_SREG_KEY, kFirst);
  auto counter = message.nest(NFTA_DYNSET_EXPR);
  message.text(NFTA_EXPR_NAME, "counter");
  message.endNest(message.nest(NFTA_EXPR_DATA));
  message.endNest(counter);
}

void put(NetlinkMessage& message, const DecideBy& statement, IpFamily family) {
  loadKey(message, statement.key, family);
  Expression lookup(message, "lookup");
  lookup.text(NFTA_LOOKUP_SET, statement.map);
  lookup.number(NFTA_LOOKUP_SREG, kFirst);
  lookup.number(NFTA_LOOKUP_DREG, NFT_REG_VERDICT);
}

void put(NetlinkMessage& message, const LeaveUntracked&, IpFamily) { Expression notrack(message, "notrack"); }

void loadNumber(NetlinkMessage& message, uint32_t number) {
  Expression immediate(message, "immediate");
  immediate.number(NFTA_IMMEDIATE_DREG, kFirst);
  immediate.value(NFTA_IMMEDIATE_DATA, {reinterpret_cast<const char*>(&number), sizeof number});
}

void put(NetlinkMessage& message, const MarkConnection& statement, IpFamily) {
  loadNumber(message, statement.mark);
  Expression ct(message, "ct");
  ct.number(NFTA_CT_KEY, NFT_CT_MARK);
  ct.number(NFTA_CT_SREG, kFirst);
}

void put(NetlinkMessage& message, const MarkPacket& statement, IpFamily) {
  loadNumber(message, statement.mark);
  Expression meta(message, "meta");
  meta.number(NFTA_META_KEY, NFT_META_MARK);
  meta.number(NFTA_META_SREG, kFirst);
}

void put(NetlinkMessage& message, const MasqueradeSource&, IpFamily) { Expression masquerade(message, "masq"); }

void put(NetlinkMessage& message, const Reject& reject, IpFamily family) {
  const uint8_t portUnreachable = family == IpFamily::kIPv4 ? 3 : 4;  // RFC 792, RFC 4443 section 3.1
  bool reset = reject.with == RejectWith::kTcpReset;
  Expression expression(message, "reject");
  expression.number(NFTA_REJECT_TYPE, reset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMP_UNREACH);
  message.u8(NFTA_REJECT_ICMP_CODE, reset ? 0 : portUnreachable);
}

uint32_t verdictCode(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kAccept:
      return NF_ACCEPT;
    case VerdictKind::kDrop:
      return NF_DROP;
    case VerdictKind::kReturn:
      return static_cast<uint32_t>(NFT_RETURN);
    case VerdictKind::kJump:
      return static_cast<uint32_t>(NFT_JUMP);
    case VerdictKind::kGoto:
      return static_cast<uint32_t>(NFT_GOTO);
  }
  return NF_ACCEPT;
}

}  // namespace

void putVerdict(NetlinkMessage& message, const Verdict& verdict) {
  auto nest = message.nest(NFTA_DATA_VERDICT);
  message.be32(NFTA_VERDICT_CODE, verdictCode(verdict.kind));
  if (!verdict.chain.empty()) message.text(NFTA_VERDICT_CHAIN, verdict.chain);
  message.endNest(nest);
}

namespace {

void put(NetlinkMessage& message, const Verdict& verdict, IpFamily) {
  Expression immediate(message, "immediate");
  immediate.number(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  auto data = message.nest(NFTA_IMMEDIATE_DATA);
  putVerdict(message, verdict);
  message.endNest(data);
}

}  // namespace

uint8_t nftFamily(IpFamily family) { return family == IpFamily::kIPv4 ? NFPROTO_IPV4 : NFPROTO_IPV6; }

void putStatement(NetlinkMessage& message, const Statement& statement, IpFamily family) {
  std::visit([&](const auto& alternative) { put(message, alternative, family); }, statement);
}

}  // namespace wherry::linux::nft
