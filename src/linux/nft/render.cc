#include "linux/nft/render.h"

#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::linux::nft {
namespace {

template <typename T>
T load(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof value, bytes.size()));
  return value;
}

std::string protocolName(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_SCTP:
      return "sctp";
    case IPPROTO_ICMP:
      return "icmp";
    default:
      return std::to_string(protocol);
  }
}

std::string renderField(FieldType type, std::string_view bytes) {
  switch (type) {
    case FieldType::kAddress:
    case FieldType::kAddress6:
      return base::formatIp(bytes);
    case FieldType::kProtocol:
      return protocolName(load<uint8_t>(bytes));
    case FieldType::kPort:
      return std::to_string(ntohs(load<uint16_t>(bytes)));
    case FieldType::kNumber:
      return fmt::format("0x{:08x}", load<uint32_t>(bytes));
    case FieldType::kInterface:
      return fmt::format("\"{}{}\"", bytes.substr(0, bytes.find('\0')), bytes.size() < registerBytes(type) ? "*" : "");
  }
  return "";
}

std::string typeName(FieldType type) {
  switch (type) {
    case FieldType::kAddress:
      return "ipv4_addr";
    case FieldType::kAddress6:
      return "ipv6_addr";
    case FieldType::kProtocol:
      return "inet_proto";
    case FieldType::kPort:
      return "inet_service";
    case FieldType::kNumber:
      return "mark";
    case FieldType::kInterface:
      return "ifname";
  }
  return "";
}

std::string renderType(const Type& type) {
  std::vector<std::string> names;
  for (FieldType field : type) names.push_back(typeName(field));
  return base::join(names, " . ");
}

std::string fieldName(Field field, IpFamily family) {
  const char* ip = family == IpFamily::kIPv4 ? "ip" : "ip6";
  switch (field) {
    case Field::kSourceAddress:
      return fmt::format("{} saddr", ip);
    case Field::kDestinationAddress:
      return fmt::format("{} daddr", ip);
    case Field::kProtocol:
      return "meta l4proto";
    case Field::kSourcePort:
      return "th sport";
    case Field::kDestinationPort:
      return "th dport";
    case Field::kMark:
      return "meta mark";
    case Field::kInputInterface:
      return "iifname";
    case Field::kOutputInterface:
      return "oifname";
    case Field::kOriginalSource:
      return fmt::format("ct original {} saddr", ip);
    case Field::kOriginalDestination:
      return fmt::format("ct original {} daddr", ip);
    case Field::kOriginalDestinationPort:
      return "ct original proto-dst";
    case Field::kReplySource:
      return fmt::format("ct reply {} saddr", ip);
    case Field::kReplySourcePort:
      return "ct reply proto-src";
    case Field::kConnectionProtocol:
      return "ct protocol";
    case Field::kConnectionMark:
      return "ct mark";
  }
  return "";
}

std::string renderKey(const Key& key, IpFamily family) {
  std::vector<std::string> parts;
  for (const KeyPart& part : key) {
    const auto* random = std::get_if<RandomNumber>(&part);
    parts.push_back(random ? fmt::format("numgen random mod {}", random->modulus)
                           : fieldName(std::get<Field>(part), family));
  }
  return base::join(parts, " . ");
}

std::string render(const Match& match, IpFamily family) {
  FieldType type = typeOf(match.field, family);
  std::string value = renderField(type, match.value.bytes());
  if (type == addressType(family) && match.prefixLength < base::addressBits(family)) {
    value += fmt::format("/{}", match.prefixLength);
  }
  return fmt::format("{}{} {}", fieldName(match.field, family),
                     match.op == Match::Operator::kEqual ? "" : " !=", value);
}
std::string render(const MatchSet& match, IpFamily family) {
  return fmt::format("{}{} @{}", renderKey(match.key, family),
                     match.op == MatchSet::Operator::kIn ? "" : " !=", match.set);
}
std::string render(const MatchOpening&, IpFamily) { return "tcp flags syn / syn,ack"; }
std::string render(const MatchInvalid&, IpFamily) { return "ct state invalid"; }
std::string render(const MatchNew&, IpFamily) { return "ct state new"; }
std::string render(const MatchTranslated&, IpFamily) { return "ct status dnat"; }
std::string render(const MatchLocal&, IpFamily) { return "fib daddr type local"; }
std::string render(const MatchNotFromThere&, IpFamily) { return "fib saddr . iif oif missing"; }
std::string render(const MatchForeignSource&, IpFamily) { return "fib saddr type != local"; }
std::string render(const MatchReply&, IpFamily) { return "ct direction reply"; }
std::string render(const DestinationNat& nat, IpFamily family) {
  return fmt::format("dnat {} to {} map @{}", family == IpFamily::kIPv4 ? "ip" : "ip6", renderKey(nat.key, family),
                     nat.map);
}
std::string renderDuration(std::chrono::seconds seconds) {
  std::string text;
  for (auto [unit, name] : {std::pair{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}}) {
    if (auto count = seconds.count() / unit) text += fmt::format("{}{}", count, name);
    seconds %= unit;
  }
  return text;
}
std::string render(const RememberFor& update, IpFamily family) {
  return fmt::format("update @{} {{ {} timeout {} : {} }}", update.map, renderKey(update.key, family),
                     renderDuration(update.timeout), renderKey(update.data, family));
}
std::string render(const CountIn& update, IpFamily family) {
  return fmt::format("update @{} {{ {} counter }}", update.set, renderKey(update.key, family));
}
std::string render(const DecideBy& statement, IpFamily family) {
  return fmt::format("{} vmap @{}", renderKey(statement.key, family), statement.map);
}
std::string render(const LeaveUntracked&, IpFamily) { return "notrack"; }
std::string render(const MarkConnection& statement, IpFamily) {
  return fmt::format("ct mark set 0x{:08x}", statement.mark);
}
std::string render(const MarkPacket& statement, IpFamily) {
  return fmt::format("meta mark set 0x{:08x}", statement.mark);
}
std::string render(const MasqueradeSource&, IpFamily) { return "masquerade"; }
std::string render(const Reject& reject, IpFamily) {
  return reject.with == RejectWith::kTcpReset ? "reject with tcp reset" : "reject";
}
std::string render(const Verdict& verdict, IpFamily) {
  switch (verdict.kind) {
    case VerdictKind::kAccept:
      return "accept";
    case VerdictKind::kDrop:
      return "drop";
    case VerdictKind::kReturn:
      return "return";
    case VerdictKind::kJump:
      return "jump " + verdict.chain;
    case VerdictKind::kGoto:
      return "goto " + verdict.chain;
  }
  return "";
}

std::string hookName(HookPoint point) {
  switch (point) {
    case HookPoint::kPrerouting:
      return "prerouting";
    case HookPoint::kInput:
      return "input";
    case HookPoint::kForward:
      return "forward";
    case HookPoint::kOutput:
      return "output";
    case HookPoint::kPostrouting:
      return "postrouting";
  }
  return "";
}

// nft(8) has names for the usual priorities, each at the hooks where it is usual.
std::string priorityName(const Hook& hook) {
  if (hook.priority == kPriorityFilter) return "filter";
  if (hook.priority == kPriorityFilter + 10) return "filter + 10";
  if (hook.priority == kPriorityRaw) return "raw";
  if (hook.priority == kPriorityMangle) return "mangle";
  if (hook.priority == kPriorityDestinationNat - 10 && hook.point == HookPoint::kPrerouting) return "dstnat - 10";
  if (hook.priority == kPriorityDestinationNat && hook.point == HookPoint::kPrerouting) return "dstnat";
  if (hook.priority == kPrioritySourceNat && hook.point == HookPoint::kPostrouting) return "srcnat";
  return std::to_string(hook.priority);
}

std::string renderElements(const std::vector<std::string>& elements) {
  if (elements.empty()) return "";
  return fmt::format("\t\telements = {{ {} }}\n", base::join(elements, ",\n\t\t\t     "));
}

// "10.0.0.0/8", "10.0.0.1" or "10.0.0.1-10.0.0.9".
std::string renderRange(FieldType type, std::string_view first, std::string_view last) {
  if (first == last) return renderField(type, first);
  auto low = base::IpAddress::fromBytes(first), high = base::IpAddress::fromBytes(last);
  bool isAddress = type == FieldType::kAddress || type == FieldType::kAddress6;
  for (uint8_t length = 0; isAddress && low && high && length < base::addressBits(low->family()); ++length) {
    base::IpPrefix prefix(*low, length);
    if (prefix.address() == *low && prefix.last() == *high) return prefix.text();
  }
  return renderField(type, first) + "-" + renderField(type, last);
}

std::string renderRange(const Type& type, const Data& first, const Data& last) {
  std::vector<std::string> fields;
  size_t at = 0;
  for (FieldType field : type) {
    size_t size = registerBytes(field);
    auto part = [&](const Data& data) { return std::string_view(data.bytes()).substr(at, size); };
    fields.push_back(renderRange(field, part(first), part(last)));
    at += size;
  }
  return base::join(fields, " . ");
}

std::string renderSize(const std::optional<Dynamic>& dynamic) {
  return dynamic ? fmt::format("\t\tsize {}\n", dynamic->size) : "";
}

std::string renderSet(const Set& set) {
  std::vector<std::string> elements;
  for (const Data& key : set.elements) elements.push_back(renderData(set.type, key));
  if (set.ranges) {
    for (const auto& [first, last] : *set.ranges) elements.push_back(renderRange(set.type, first, last));
  }
  std::string flags = set.ranges ? "\t\tflags interval\n" : set.dynamic ? "\t\tflags dynamic\n" : "";
  return fmt::format("\tset {} {{\n\t\ttype {}\n{}{}{}\t}}\n", set.name, renderType(set.type), renderSize(set.dynamic),
                     flags, renderElements(elements));
}

std::string renderMap(const DataMap& map) {
  std::vector<std::string> elements;
  for (const auto& [key, data] : map.elements) {
    elements.push_back(renderData(map.type, key) + " : " + renderData(map.dataType, data));
  }
  return fmt::format("\tmap {} {{\n\t\ttype {} : {}\n{}{}{}\t}}\n", map.name, renderType(map.type),
                     renderType(map.dataType), renderSize(map.dynamic),
                     map.dynamic ? "\t\tflags dynamic,timeout\n" : "", renderElements(elements));
}

std::string renderVerdictMap(const VerdictMap& map, IpFamily family) {
  std::vector<std::string> elements;
  for (const auto& [key, verdict] : map.elements) {
    elements.push_back(renderData(map.type, key) + " : " + render(verdict, family));
  }
  return fmt::format("\tmap {} {{\n\t\ttype {} : verdict\n{}\t}}\n", map.name, renderType(map.type),
                     renderElements(elements));
}

std::string renderChain(const Chain& chain, IpFamily family) {
  std::string text = fmt::format("\tchain {} {{\n", chain.name);
  if (chain.hook) {
    text += fmt::format("\t\ttype {} hook {} priority {}; policy accept;\n", chainTypeName(chain.hook->type),
                        hookName(chain.hook->point), priorityName(*chain.hook));
  }
  for (const Rule& rule : chain.rules) text += fmt::format("\t\t{}\n", renderRule(rule, family));
  return text + "\t}\n";
}

}  // namespace

std::string renderData(const Type& type, const Data& data) {
  std::vector<std::string> fields;
  std::string_view rest = data.bytes();
  for (FieldType field : type) {
    size_t size = std::min(registerBytes(field), rest.size());
    fields.push_back(renderField(field, rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  return base::join(fields, " . ");
}

std::string renderStatement(const Statement& statement, IpFamily family) {
  return std::visit([&](const auto& alternative) { return render(alternative, family); }, statement);
}

std::string renderRule(const Rule& rule, IpFamily family) {
  std::vector<std::string> statements;
  for (const Statement& statement : rule.statements) statements.push_back(renderStatement(statement, family));
  return base::join(statements, " ");
}

std::string renderTable(const Table& table) {
  std::vector<std::string> parts;
  for (const Set& set : table.sets) parts.push_back(renderSet(set));
  for (const DataMap& map : table.maps) parts.push_back(renderMap(map));
  for (const VerdictMap& map : table.verdictMaps) parts.push_back(renderVerdictMap(map, table.family));
  for (const Chain& chain : table.chains) parts.push_back(renderChain(chain, table.family));
  return fmt::format("table {} {} {{\n{}}}\n", table.family == IpFamily::kIPv4 ? "ip" : "ip6", table.name,
                     base::join(parts, "\n"));
}

}  // namespace wherry::linux::nft
