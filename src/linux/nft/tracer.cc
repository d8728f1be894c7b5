#include "linux/nft/tracer.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

namespace wherry::linux::nft {
namespace {

enum class Step { kNextRule, kReturn, kFinal };  // kFinal: the chain's hook is done with the packet

bool isOfConnection(Field field) {
  switch (field) {
    case Field::kOriginalSource:
    case Field::kOriginalDestination:
    case Field::kOriginalDestinationPort:
    case Field::kReplySource:
    case Field::kReplySourcePort:
    case Field::kConnectionProtocol:
    case Field::kConnectionMark:
      return true;
    default:
      return false;
  }
}

constexpr int kMostJumps = 16;  // as the kernel allows (NFT_JUMP_STACK_SIZE)

// One packet in one table.
class Walk {
 public:
  Walk(const Table& table, const Tracer::Options& options, Trace& trace)
      : table_(table), options_(options), trace_(trace) {}

  Step chain(const Chain& chain, int depth = 0) {
    if (depth > kMostJumps) return Step::kFinal;
    for (const Rule& rule : chain.rules) {
      Step step = applyRule(rule, depth);
      if (step != Step::kNextRule) return step;
    }
    return Step::kReturn;
  }

 private:
  struct Applied {
    bool goOn;  // with the rule's next statement
    Step step = Step::kNextRule;
  };

  Step applyRule(const Rule& rule, int depth) {
    for (const Statement& statement : rule.statements) {
      Applied applied = std::visit([&](const auto& alternative) { return apply(alternative, depth); }, statement);
      if (!applied.goOn) return applied.step;
    }
    return Step::kNextRule;
  }

  Applied apply(const Match& match, int) {
    if (isOfConnection(match.field) && (trace_.packet.invalid || trace_.untracked)) return {false};
    std::string have = fieldData(match.field).bytes();
    std::string want = match.value.bytes();
    FieldType type = typeOf(match.field, table_.family);
    if (type == addressType(table_.family) && match.prefixLength < base::addressBits(table_.family)) {
      have = base::IpPrefix(addressIn(have), match.prefixLength).address().bytes();
    }
    if (type == FieldType::kInterface) have.resize(std::min(have.size(), want.size()));
    return {(have == want) == (match.op == Match::Operator::kEqual)};
  }

  Applied apply(const MatchSet& match, int) {
    const Set* set = table_.findSet(match.set);
    auto key = keyData(match.key);
    if (!key) return {false};
    bool in = set && contains(*set, *key);
    return {in == (match.op == MatchSet::Operator::kIn)};
  }

  Applied apply(const MatchOpening&, int) { return {trace_.packet.protocol == IPPROTO_TCP && !trace_.packet.answered}; }

  Applied apply(const MatchInvalid&, int) { return {trace_.packet.invalid}; }
  Applied apply(const MatchNew&, int) {
    return {!trace_.packet.invalid && !trace_.untracked && !trace_.packet.answered && !trace_.packet.reply};
  }
  Applied apply(const MatchTranslated&, int) { return {trace_.translated}; }
  Applied apply(const MatchLocal&, int) {
    const base::IpAddress& to = trace_.packet.destination;
    return {options_.nodeAddresses.contains(to) || to.isLoopback()};
  }
  Applied apply(const MatchNotFromThere&, int) { return {false}; }  // it knows of no routes
  Applied apply(const MatchForeignSource&, int) {
    const base::IpAddress& from = trace_.packet.source;
    return {!options_.nodeAddresses.contains(from) && !from.isLoopback()};
  }
  Applied apply(const MatchReply&, int) { return {trace_.packet.reply && !trace_.packet.invalid}; }

  Applied apply(const DestinationNat& nat, int) {
    const DataMap* map = table_.findMap(nat.map);
    if (!map) return {false};
    auto key = keyData(nat.key);
    if (!key) return {false};
    auto found = map->elements.find(*key);
    if (found == map->elements.end()) return {false};
    const std::string& bytes = found->second.bytes();
    uint16_t port = 0;
    std::memcpy(&port, bytes.data() + registerBytes(addressType(table_.family)), sizeof port);
    trace_.packet.destination = addressIn(bytes);
    trace_.packet.destinationPort = ntohs(port);
    trace_.translated = true;
    return {false, Step::kFinal};
  }

  Applied apply(const RememberFor& update, int) {
    auto key = keyData(update.key), data = keyData(update.data);
    if (key && data) trace_.remembered[update.map].try_emplace(*key, *data);
    return {true};
  }

  Applied apply(const CountIn&, int) { return {true}; }

  Applied apply(const DecideBy& statement, int depth) {
    const VerdictMap* map = table_.findVerdictMap(statement.map);
    auto key = keyData(statement.key);
    if (!map || !key) return {false};
    auto found = map->elements.find(*key);
    if (found == map->elements.end()) return {false};
    return apply(found->second, depth);
  }

  Applied apply(const LeaveUntracked&, int) {
    trace_.untracked = true;
    return {true};
  }

  Applied apply(const MarkConnection& statement, int) {
    if (!trace_.packet.invalid && !trace_.untracked) trace_.packet.connectionMark = statement.mark;
    return {true};
  }

  Applied apply(const MarkPacket& statement, int) {
    trace_.packet.mark = statement.mark;
    return {true};
  }

  Applied apply(const MasqueradeSource&, int) {
    trace_.masqueraded = true;
    return {false, Step::kFinal};
  }

  Applied apply(const Reject& reject, int) {
    trace_.outcome =
        reject.with == RejectWith::kTcpReset ? Trace::Outcome::kTcpReset : Trace::Outcome::kPortUnreachable;
    return {false, Step::kFinal};
  }

  Applied apply(const Verdict& verdict, int depth) {
    switch (verdict.kind) {
      case VerdictKind::kAccept:
        return {false, Step::kFinal};
      case VerdictKind::kDrop:
        trace_.outcome = Trace::Outcome::kDrop;
        return {false, Step::kFinal};
      case VerdictKind::kReturn:
        return {false, Step::kReturn};
      case VerdictKind::kJump:
      case VerdictKind::kGoto:
        break;
    }
    const Chain* target = table_.findChain(verdict.chain);
    Step step = target ? chain(*target, depth + 1) : Step::kReturn;
    if (step == Step::kFinal) return {false, Step::kFinal};
    return {false, verdict.kind == VerdictKind::kJump ? Step::kNextRule : Step::kReturn};
  }

  static bool contains(const Set& set, const Data& key) {
    if (!set.ranges) return set.elements.contains(key);
    return std::any_of(set.ranges->begin(), set.ranges->end(),
                       [&](const auto& range) { return within(set.type, range.first, key, range.second); });
  }

  // Each field between those of `first` and `last`. Addresses and ports are in network byte order, so bytes compare as
  // they do.
  static bool within(const Type& type, const Data& first, const Data& key, const Data& last) {
    size_t at = 0;
    for (FieldType field : type) {
      size_t size = registerBytes(field);
      auto part = [&](const Data& data) { return data.bytes().substr(at, size); };
      if (part(key) < part(first) || part(last) < part(key)) return false;
      at += size;
    }
    return true;
  }

  base::IpAddress addressIn(const std::string& bytes) const {
    size_t size = registerBytes(addressType(table_.family));
    return base::IpAddress::fromBytes(std::string_view(bytes).substr(0, size)).value_or(base::IpAddress());
  }

  Data fieldData(Field field) const {
    Data data;
    append(data, field);
    return data;
  }

  // Nothing when connection tracking doesn't know the packet, and the key asks it.
  std::optional<Data> keyData(const Key& key) const {
    Data data;
    for (const KeyPart& part : key) {
      if (const auto* random = std::get_if<RandomNumber>(&part)) {
        data.number(options_.random(random->modulus));
      } else if (isOfConnection(std::get<Field>(part)) && (trace_.packet.invalid || trace_.untracked)) {
        return std::nullopt;
      } else {
        append(data, std::get<Field>(part));
      }
    }
    return data;
  }

  void append(Data& data, Field field) const {
    const Packet& packet = trace_.packet;
    switch (field) {
      case Field::kSourceAddress:
        data.address(packet.source);
        break;
      case Field::kDestinationAddress:
        data.address(packet.destination);
        break;
      case Field::kProtocol:
        data.protocol(packet.protocol);
        break;
      case Field::kSourcePort:
        data.port(packet.sourcePort);
        break;
      case Field::kDestinationPort:
        data.port(packet.destinationPort);
        break;
      case Field::kMark:
        data.number(packet.mark);
        break;
      case Field::kInputInterface:
        data.interface(packet.inputInterface);
        break;
      case Field::kOutputInterface:
        data.interface(packet.outputInterface);
        break;
      case Field::kOriginalSource:
        data.address(trace_.sent.source);
        break;
      case Field::kOriginalDestination:
        data.address(trace_.sent.destination);
        break;
      case Field::kOriginalDestinationPort:
        data.port(trace_.sent.destinationPort);
        break;
      case Field::kReplySource:
        data.address(packet.destination);
        break;
      case Field::kReplySourcePort:
        data.port(packet.destinationPort);
        break;
      case Field::kConnectionProtocol:
        data.protocol(packet.protocol);
        break;
      case Field::kConnectionMark:
        data.number(packet.connectionMark);
        break;
    }
  }

  const Table& table_;
  const Tracer::Options& options_;
  Trace& trace_;
};

struct Hooked {
  const Table* table;
  const Chain* chain;
};

std::vector<Hooked> chainsAt(const std::vector<Table>& tables, HookPoint point) {
  std::vector<Hooked> hooked;
  for (const Table& table : tables) {
    for (const Chain& chain : table.chains) {
      if (chain.hook && chain.hook->point == point) hooked.push_back({&table, &chain});
    }
  }
  std::stable_sort(hooked.begin(), hooked.end(),
                   [](const Hooked& a, const Hooked& b) { return a.chain->hook->priority < b.chain->hook->priority; });
  return hooked;
}

// False: the packet ends here.
bool passHook(const std::vector<Table>& tables, const Tracer::Options& options, HookPoint point, Trace& trace) {
  for (const Hooked& hooked : chainsAt(tables, point)) {
    if (hooked.table->family != trace.sent.destination.family()) continue;
    bool sourceNat = point == HookPoint::kPostrouting;
    // A connection is translated once in each direction: the first translation stands.
    bool done = trace.packet.invalid || trace.packet.reply || trace.untracked ||
                (sourceNat ? trace.masqueraded : trace.translated);
    if (hooked.chain->hook->type == ChainType::kNat && done) continue;
    Walk(*hooked.table, options, trace).chain(*hooked.chain);
    if (trace.outcome != Trace::Outcome::kAccept) return false;
  }
  return true;
}

std::string_view outcomeText(Trace::Outcome outcome) {
  switch (outcome) {
    case Trace::Outcome::kAccept:
      return "accept";
    case Trace::Outcome::kDrop:
      return "drop";
    case Trace::Outcome::kTcpReset:
      return "reject with tcp reset";
    case Trace::Outcome::kPortUnreachable:
      return "reject with icmp port-unreachable";
  }
  return "";
}

}  // namespace

std::string Trace::text() const {
  std::string text;
  bool isV4 = packet.destination.family() == IpFamily::kIPv4;
  if (translated) {
    text += fmt::format(fmt::runtime(isV4 ? "dnat to {}:{}, " : "dnat to [{}]:{}, "), packet.destination.text(),
                        packet.destinationPort);
  }
  if (masqueraded) text += "masquerade, ";
  return text.append(outcomeText(outcome));
}

Tracer::Tracer(std::vector<Table> tables, Options options) : tables_(std::move(tables)), options_(std::move(options)) {}

Trace Tracer::trace(const Packet& packet) const {
  Trace trace{.packet = packet, .sent = packet};
  auto pass = [&](HookPoint point) { return passHook(tables_, options_, point, trace); };
  bool fromNode = packet.inputInterface.empty();
  if (!pass(fromNode ? HookPoint::kOutput : HookPoint::kPrerouting)) return trace;
  bool toNode = options_.nodeAddresses.contains(trace.packet.destination);
  if (!fromNode && toNode) {
    pass(HookPoint::kInput);
    return trace;
  }
  if (!fromNode && !pass(HookPoint::kForward)) return trace;
  pass(HookPoint::kPostrouting);
  return trace;
}

}  // namespace wherry::linux::nft
