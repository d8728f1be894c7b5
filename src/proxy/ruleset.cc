#include "proxy/ruleset.h"

#include <algorithm>

#include <fmt/format.h>
#include <netinet/in.h>

#include "linux/conntrack.h"

namespace wherry::proxy {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::FieldType;
using nft::Match;
using nft::MatchSet;
using nft::Rule;

constexpr int kPriorityAdmission = nft::kPriorityDestinationNat - 10;
// Enough for the clients of a large site; beyond, those with affinity are led anywhere and the others go uncounted.
constexpr nft::Dynamic kMostClients{1'000'000};
constexpr nft::Dynamic kMostCounters{1'000'000};

nft::Type endpointType(nft::IpFamily family) { return {nft::addressType(family), FieldType::kPort}; }
nft::Type trafficType(nft::IpFamily family) {
  FieldType address = nft::addressType(family);
  return {address, FieldType::kProtocol, FieldType::kPort, address, FieldType::kPort};
}
base::IpPrefix loopback(nft::IpFamily family) {
  return *base::IpPrefix::parse(family == nft::IpFamily::kIPv4 ? "127.0.0.0/8" : "::1/128");
}

const nft::Key kTrafficKey = {Field::kOriginalDestination, Field::kProtocol, Field::kOriginalDestinationPort,
                              Field::kReplySource, Field::kReplySourcePort};

nft::Type portType(const Front& front, nft::IpFamily family) {
  if (front.nodePorts) return {FieldType::kProtocol, FieldType::kPort};
  return {nft::addressType(family), FieldType::kProtocol, FieldType::kPort};
}
nft::Key portKey(const Front& front) {
  if (front.nodePorts) return {Field::kProtocol, Field::kDestinationPort};
  return {Field::kDestinationAddress, Field::kProtocol, Field::kDestinationPort};
}
template <typename T, typename U>
std::vector<T> with(std::vector<T> list, U last) {
  list.push_back(std::move(last));
  return list;
}

nft::Verdict jump(std::string chain) { return {nft::VerdictKind::kJump, std::move(chain)}; }
nft::Verdict goTo(std::string chain) { return {nft::VerdictKind::kGoto, std::move(chain)}; }
const nft::Verdict kDrop{nft::VerdictKind::kDrop, ""};

Match address(Field field, Match::Operator op, const base::IpPrefix& prefix) {
  return {.field = field, .op = op, .value = nft::Data().address(prefix.address()), .prefixLength = prefix.length()};
}

// For an address of the node that may have node ports. The cluster DNS address has none, though it is one; nor has an
// address of the load balancer's.
Rule toNode(const Cidrs& cidrs) {
  Rule rule{{nft::MatchLocal{}}};
  auto butNotTo = [&](const base::IpPrefix& prefix) {
    rule.statements.push_back(address(Field::kDestinationAddress, Match::Operator::kNotEqual, prefix));
  };
  if (cidrs.services) butNotTo(*cidrs.services);
  for (const base::IpPrefix& prefix : cidrs.balancerPool) butNotTo(prefix);
  return rule;
}
Rule fromOutside(const Cidrs& cidrs) {
  if (!cidrs.pods) return {};
  return {{address(Field::kSourceAddress, Match::Operator::kNotEqual, *cidrs.pods)}};
}
Rule inFront(const Front& front, const Cidrs& cidrs) { return front.nodePorts ? toNode(cidrs) : Rule(); }
Rule operator+(Rule rule, const Rule& rest) {
  rule.statements.insert(rule.statements.end(), rest.statements.begin(), rest.statements.end());
  return rule;
}

std::string sizeName(const Front& front, size_t size) { return fmt::format("{}{}", front.sizes, size); }  // set, chain

nft::Set sizeSet(const Front& front, size_t size, nft::IpFamily family) {
  return {.name = sizeName(front, size), .type = portType(front, family)};
}

Rule sizeRule(const Front& front, size_t size) {
  std::string name = sizeName(front, size);
  return {{MatchSet{portKey(front), name}, goTo(name)}};
}

nft::Chain sizeChain(const Front& front, size_t size) {
  nft::Key slot = with(portKey(front), nft::RandomNumber{static_cast<uint32_t>(size)});
  nft::Chain chain{.name = sizeName(front, size), .rules = {{{nft::DestinationNat{slot, front.slots}}}}};
  // A packet may see the size before and the slots after a change, and its slot be gone: slot 0 is always there.
  if (size > 1) chain.rules.push_back({{goTo(sizeName(front, 1))}});
  return chain;
}

std::string affinityName(const Front& front, uint32_t seconds) {
  Backends backends;
  backends.affinity = decltype(backends.affinity){seconds};
  return affinitySet(front, backends);
}

nft::Set affinitySetOf(const Front& front, uint32_t seconds, nft::IpFamily family) {
  return {.name = affinityName(front, seconds), .type = portType(front, family)};
}

// By what the connection was before its translation.
Rule affinityRule(const Front& front, uint32_t seconds) {
  const nft::Key port = {Field::kProtocol, Field::kOriginalDestinationPort};
  const nft::Key addressPort = {Field::kOriginalDestination, Field::kProtocol, Field::kOriginalDestinationPort};
  Rule rule{{nft::MatchNew{}, MatchSet{front.nodePorts ? port : addressPort, affinityName(front, seconds)}}};
  if (front.nodePorts) rule.statements.push_back(MatchSet{{Field::kOriginalDestination}, "node"});
  rule.statements.push_back(nft::RememberFor{
      .map = kAffinityMap,
      .key = {Field::kOriginalSource, Field::kOriginalDestination, Field::kProtocol, Field::kOriginalDestinationPort},
      .timeout = std::chrono::seconds(seconds),
      .data = {Field::kReplySource, Field::kReplySourcePort}});
  return rule;
}

nft::Chain hooked(std::string name, nft::ChainType type, nft::HookPoint point, int priority, std::vector<Rule> rules) {
  return {.name = std::move(name), .hook = nft::Hook{type, point, priority}, .rules = std::move(rules)};
}

bool isOutputHook(nft::HookPoint point) { return point == nft::HookPoint::kOutput; }

nft::Chain admittingChain(std::string name, nft::HookPoint point, const Cidrs& cidrs) {
  nft::Key port = portKey(kFronts[0]);
  std::vector<Rule> rules = {
      {{MatchSet{port, "restricted"},
        MatchSet{with(port, Field::kSourceAddress), "allowed", MatchSet::Operator::kNotIn}, kDrop}}};
  for (const Front& front : kFronts) {
    if (front.clients != Clients::kOutside || isOutputHook(point)) continue;
    rules.push_back(Rule{{nft::MatchNew{}}} + fromOutside(cidrs) + inFront(front, cidrs) +
                    Rule{{MatchSet{portKey(front), front.dropped}, kDrop}});
  }
  return hooked(std::move(name), nft::ChainType::kFilter, point, kPriorityAdmission, std::move(rules));
}

nft::Chain translatingChain(std::string name, nft::HookPoint point, const Cidrs& cidrs) {
  nft::Key client = {Field::kSourceAddress, Field::kDestinationAddress, Field::kProtocol, Field::kDestinationPort};
  std::vector<Rule> rules = {{{nft::DestinationNat{client, kAffinityMap}}}};
  for (Clients clients : {Clients::kOutside, Clients::kAll}) {
    bool outside = clients == Clients::kOutside;
    if (outside && isOutputHook(point)) continue;
    for (const Front& front : kFronts) {
      if (front.clients != clients) continue;
      rules.push_back((outside ? fromOutside(cidrs) : Rule()) + inFront(front, cidrs) + Rule{{jump(front.chain)}});
    }
  }
  return hooked(std::move(name), nft::ChainType::kNat, point, nft::kPriorityDestinationNat, std::move(rules));
}

// An address of a pod that is gone: the route that is left for it is that of all pods' addresses, to loopback. What the
// node itself sends is known to have taken it only by its coming from there where it was translated on its way out: the
// interface that the output hook knows is that of the way to the cluster IP.
Rule toNobody(const base::IpPrefix& pods, Field interface) {
  Match loopback{.field = interface, .value = nft::Data().interface("lo")};
  return {{address(Field::kDestinationAddress, Match::Operator::kEqual, pods), loopback, goTo("refuse")}};
}

nft::Chain filteringChain(std::string name, nft::HookPoint point, const Cidrs& cidrs) {
  // What the node sends to itself has been met on its way out.
  Match notFromNode{
      .field = Field::kInputInterface, .op = Match::Operator::kNotEqual, .value = nft::Data().interface("lo")};
  Rule translated{{nft::MatchTranslated{}, goTo("translated")}};
  std::vector<Rule> rules = {isOutputHook(point) ? translated : Rule{{notFromNode}} + translated};
  for (const Front& front : kFronts) {
    // A port of the node may have a connection of the node's own, begun before it became a node port.
    Rule in = front.nodePorts ? Rule{{nft::MatchNew{}}} + toNode(cidrs) : Rule();
    if (front.clients != Clients::kAll) continue;
    if (front.refused) rules.push_back(in + Rule{{MatchSet{portKey(front), front.refused}, goTo("refuse")}});
    if (front.dropped) rules.push_back(in + Rule{{MatchSet{portKey(front), front.dropped}, kDrop}});
  }
  auto refuseRestOf = [&](const base::IpPrefix& prefix) {
    rules.push_back({{address(Field::kDestinationAddress, Match::Operator::kEqual, prefix),
                      MatchSet{{Field::kDestinationAddress}, "node", MatchSet::Operator::kNotIn}, goTo("refuse")}});
  };
  Field wayOfNode = isOutputHook(point) ? Field::kOutputInterface : Field::kInputInterface;
  if (cidrs.pods) rules.push_back(toNobody(*cidrs.pods, wayOfNode));
  if (cidrs.services) refuseRestOf(*cidrs.services);
  for (const base::IpPrefix& prefix : cidrs.balancerPool) refuseRestOf(prefix);
  return hooked(std::move(name), nft::ChainType::kFilter, point, nft::kPriorityFilter, std::move(rules));
}

nft::Chain forwardingChain(const Cidrs& cidrs) {
  std::vector<Rule> rules;
  if (cidrs.pods) rules.push_back(toNobody(*cidrs.pods, Field::kOutputInterface));
  return hooked("filter_forward", nft::ChainType::kFilter, nft::HookPoint::kForward, nft::kPriorityFilter,
                std::move(rules));
}

nft::Chain refuseChain() {
  // Such a packet was not translated because it fits into no connection. A reset would end one that lives on.
  Rule dropInvalid{{nft::MatchInvalid{}, kDrop}};
  Match isTcp{.field = Field::kProtocol, .value = nft::Data().protocol(IPPROTO_TCP)};
  return {.name = "refuse",
          .rules = {dropInvalid,
                    {{isTcp, nft::Reject{nft::RejectWith::kTcpReset}}},
                    {{nft::Reject{nft::RejectWith::kPortUnreachable}}}}};
}

// What asks a client of a pod that is gone for a sign of life belongs to no connection, nor begins one.
nft::Chain untrackingChain() {
  Match asks{.field = Field::kMark, .value = nft::Data().number(linux::kLifeSignMark)};
  return hooked("lifesigns", nft::ChainType::kFilter, nft::HookPoint::kOutput, nft::kPriorityRaw,
                {{{asks, nft::LeaveUntracked{}}}});
}

nft::Chain masqueradingChain(const Cidrs& cidrs) {
  Rule translated{{nft::MatchTranslated{}}};
  MatchSet toItself{{Field::kSourceAddress, Field::kDestinationAddress}, "hairpin"};
  Match fromLoopback = address(Field::kSourceAddress, Match::Operator::kEqual, loopback(cidrs.family));
  MatchSet elsewhere{{Field::kDestinationAddress}, "elsewhere"};
  return hooked("postrouting", nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat,
                {translated + Rule{{toItself, nft::MasqueradeSource{}}},
                 translated + Rule{{fromLoopback, nft::MasqueradeSource{}}},
                 translated + fromOutside(cidrs) + Rule{{elsewhere, nft::MasqueradeSource{}}}});
}

// 127.0.0.1, ::1
base::IpAddress ownLoopback(nft::IpFamily family) {
  return family == nft::IpFamily::kIPv4 ? base::IpAddress::ipv4(0x7f000001) : loopback(family).address();
}

void addSets(nft::Table& table, const Cidrs& cidrs) {
  FieldType address = nft::addressType(cidrs.family);
  nft::Type port = portType(kFronts[0], cidrs.family), traffic = trafficType(cidrs.family);
  table.sets = {{.name = "hairpin", .type = {address, address}},
                {.name = "elsewhere", .type = {address}},
                {.name = "restricted", .type = port},
                {.name = "allowed", .type = with(port, address)},
                {.name = kTrafficSet, .type = traffic, .dynamic = kMostCounters},
                {.name = kConnectionsSet, .type = traffic, .dynamic = kMostCounters}};
  table.sets[3].ranges.emplace();
  nft::Set node{.name = "node", .type = {address}};
  for (const base::IpAddress& own : cidrs.nodeAddresses) node.elements.insert(nft::Data().address(own));
  node.elements.insert(nft::Data().address(ownLoopback(cidrs.family)));
  table.sets.push_back(std::move(node));
  table.maps = {{.name = kAffinityMap,
                 .type = {address, address, FieldType::kProtocol, FieldType::kPort},
                 .dataType = endpointType(cidrs.family),
                 .dynamic = kMostClients}};
  for (const Front& front : kFronts) {
    nft::Type type = portType(front, cidrs.family);
    if (front.refused) table.sets.push_back({.name = front.refused, .type = type});
    if (front.dropped) table.sets.push_back({.name = front.dropped, .type = type});
    table.maps.push_back(
        {.name = front.slots, .type = with(type, FieldType::kNumber), .dataType = endpointType(cidrs.family)});
  }
}

nft::Chain& chainNamed(nft::Table& table, std::string_view name) {
  return *std::find_if(table.chains.begin(), table.chains.end(), [&](auto& chain) { return chain.name == name; });
}

// The table with its rules and without elements.
nft::Table emptyTable(const Shapes& shapes, const Cidrs& cidrs) {
  nft::Table table{.name = kTable, .family = cidrs.family};
  addSets(table, cidrs);
  for (const auto& [front, size] : shapes.sizes) {
    table.sets.push_back(sizeSet(*front, size, cidrs.family));
    table.chains.push_back(sizeChain(*front, size));
  }
  for (const Front& front : kFronts) table.chains.push_back({.name = front.chain});
  table.chains.push_back({.name = "remember"});
  table.chains.push_back({.name = "translated",
                          .rules = {{{jump("remember")}},
                                    {{nft::MatchNew{}, nft::CountIn{kConnectionsSet, kTrafficKey}}},
                                    {{nft::CountIn{kTrafficSet, kTrafficKey}}}}});
  table.chains.push_back(refuseChain());
  for (const auto& [front, size] : shapes.sizes) {
    chainNamed(table, front->chain).rules.push_back(sizeRule(*front, size));
  }
  for (const auto& [front, seconds] : shapes.affinities) {
    table.sets.push_back(affinitySetOf(*front, seconds, cidrs.family));
    chainNamed(table, "remember").rules.push_back(affinityRule(*front, seconds));
  }
  table.chains.push_back(untrackingChain());
  table.chains.push_back(admittingChain("admit_prerouting", nft::HookPoint::kPrerouting, cidrs));
  table.chains.push_back(admittingChain("admit_output", nft::HookPoint::kOutput, cidrs));
  table.chains.push_back(translatingChain("prerouting", nft::HookPoint::kPrerouting, cidrs));
  table.chains.push_back(translatingChain("output", nft::HookPoint::kOutput, cidrs));
  table.chains.push_back(filteringChain("filter_prerouting", nft::HookPoint::kPrerouting, cidrs));
  table.chains.push_back(filteringChain("filter_output", nft::HookPoint::kOutput, cidrs));
  table.chains.push_back(forwardingChain(cidrs));
  table.chains.push_back(masqueradingChain(cidrs));
  return table;
}

void addSize(nft::Batch& batch, const Front& front, size_t size) {
  nft::Chain chain = sizeChain(front, size);
  batch.addSet(kTable, sizeSet(front, size, batch.family()));
  batch.addChain(kTable, chain);
  batch.addRules(kTable, chain);
  batch.addRules(kTable, {.name = front.chain, .rules = {sizeRule(front, size)}});
}

void addAffinity(nft::Batch& batch, const Front& front, uint32_t seconds) {
  batch.addSet(kTable, affinitySetOf(front, seconds, batch.family()));
  batch.addRules(kTable, {.name = "remember", .rules = {affinityRule(front, seconds)}});
}

// Calls the functions for what this port adds to `shapes`.
template <typename OnSize, typename OnAffinity>
void addShapes(Shapes& shapes, const ServicePort& port, const Backends& backends, OnSize onSize,
               OnAffinity onAffinity) {
  const Front& front = frontOf(port);
  // All other sizes lead to the first.
  for (size_t size : {size_t{1}, backends.endpoints.size()}) {
    if (!backends.endpoints.empty() && shapes.sizes.emplace(&front, size).second) onSize(front, size);
  }
  uint32_t seconds = port.clients == Clients::kAll ? backends.affinity.count() : 0;
  if (seconds > 0 && shapes.affinities.emplace(&front, seconds).second) onAffinity(front, seconds);
}

Shapes shapesOf(const Slots& slots) {
  Shapes shapes;
  auto nothing = [](const Front&, size_t) {};
  slots.forEachPort(
      [&](const ServicePort& port, const Backends& backends) { addShapes(shapes, port, backends, nothing, nothing); });
  return shapes;
}

}  // namespace

nft::Table wholeTable(const Slots& slots, const Cidrs& cidrs) {
  nft::Table table = emptyTable(shapesOf(slots), cidrs);
  slots.forEachElement([&](const Element& element, const nft::Data& data) { nft::addElement(table, element, data); });
  return table;
}

void addWholeTable(nft::Batch& batch, const Slots& slots, const Cidrs& cidrs, Shapes& shapes,
                   const std::function<void()>& added) {
  shapes = shapesOf(slots);
  batch.replaceTable(emptyTable(shapes, cidrs));
  added();
  slots.forEachElement([&](const Element& element, const nft::Data& data) {
    nft::addElement(batch, kTable, element, data);
    added();
  });
}

void addChanges(nft::Batch& batch, const Slots& slots, const Changes& changes, Shapes& shapes) {
  for (const ServicePort& port : changes.ports()) {
    const Backends* backends = slots.find(port);
    if (!backends) continue;
    addShapes(
        shapes, port, *backends, [&](const Front& front, size_t size) { addSize(batch, front, size); },
        [&](const Front& front, uint32_t seconds) { addAffinity(batch, front, seconds); });
  }
  nft::addChanges(batch, kTable, changes.elements());
}

}  // namespace wherry::proxy
