#include "proxy/ruleset.h"

#include <fmt/format.h>
#include <netinet/in.h>

namespace wherry::proxy {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::FieldType;

const nft::Type kPortType = {FieldType::kAddress, FieldType::kProtocol, FieldType::kPort};
const nft::Type kSlotType = {FieldType::kAddress, FieldType::kProtocol, FieldType::kPort, FieldType::kNumber};
const nft::Key kPortKey = {Field::kDestinationAddress, Field::kProtocol, Field::kDestinationPort};

std::string sizeName(size_t size) { return fmt::format("n{}", size); }  // of the set and of the chain
nft::Verdict jump(std::string chain) { return {nft::VerdictKind::kJump, std::move(chain)}; }
nft::Verdict goTo(std::string chain) { return {nft::VerdictKind::kGoto, std::move(chain)}; }

nft::Set sizeSet(size_t size) { return {.name = sizeName(size), .type = kPortType}; }

nft::Rule sizeRule(size_t size) { return {{nft::MatchSet{kPortKey, sizeName(size)}, goTo(sizeName(size))}}; }

nft::Chain sizeChain(size_t size) {
  nft::Key slot = kPortKey;
  slot.push_back(nft::RandomNumber{static_cast<uint32_t>(size)});
  nft::Chain chain{.name = sizeName(size), .rules = {{{nft::DestinationNat{slot, "slots"}}}}};
  // A packet may see the size before and the slots after a change, and its slot be gone: slot 0 is always there.
  if (size > 1) chain.rules.push_back({{goTo(sizeName(1))}});
  return chain;
}

nft::Chain hooked(std::string name, nft::ChainType type, nft::HookPoint point, int priority, nft::Rule rule) {
  return {.name = std::move(name), .hook = nft::Hook{type, point, priority}, .rules = {std::move(rule)}};
}

nft::Chain translatingChain(std::string name, nft::HookPoint point) {
  return hooked(std::move(name), nft::ChainType::kNat, point, nft::kPriorityDestinationNat, {{jump("services")}});
}

nft::Chain refusingChain(std::string name, nft::HookPoint point, const Cidrs& cidrs) {
  nft::Chain chain = hooked(std::move(name), nft::ChainType::kFilter, point, nft::kPriorityFilter,
                            {{nft::MatchSet{kPortKey, "noendpoints"}, goTo("refuse")}});
  if (!cidrs.services) return chain;
  nft::Match toServices{.field = Field::kDestinationAddress,
                        .value = nft::Data().address(cidrs.services->address),
                        .prefixLength = cidrs.services->length};
  nft::MatchSet notToNode{{Field::kDestinationAddress}, "node", nft::MatchSet::Operator::kNotIn};
  chain.rules.push_back({{toServices, notToNode, goTo("refuse")}});
  return chain;
}

nft::Chain refuseChain() {
  // Such a packet was not translated because it fits into no connection. A reset would end one that lives on.
  nft::Rule dropInvalid{{nft::MatchInvalid{}, nft::Verdict{nft::VerdictKind::kDrop, ""}}};
  nft::Match isTcp{.field = Field::kProtocol, .value = nft::Data().protocol(IPPROTO_TCP)};
  return {.name = "refuse",
          .rules = {dropInvalid,
                    {{isTcp, nft::Reject{nft::RejectWith::kTcpReset}}},
                    {{nft::Reject{nft::RejectWith::kPortUnreachable}}}}};
}

nft::Chain hairpinChain() {
  nft::MatchSet toItself{{Field::kSourceAddress, Field::kDestinationAddress}, "hairpin"};
  return hooked("postrouting", nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat,
                {{nft::MatchTranslated{}, toItself, nft::MasqueradeSource{}}});
}

// The table with its rules and without elements.
nft::Table emptyTable(const Sizes& sizes, const Cidrs& cidrs) {
  nft::Table table{.name = kTable};
  table.sets = {{.name = "noendpoints", .type = kPortType},
                {.name = "hairpin", .type = {FieldType::kAddress, FieldType::kAddress}}};
  nft::Set node{.name = "node", .type = {FieldType::kAddress}};
  for (linux::Ipv4Address address : cidrs.nodeAddresses) node.elements.insert(nft::Data().address(address));
  table.sets.push_back(std::move(node));
  table.maps = {{.name = "slots", .type = kSlotType, .dataType = {FieldType::kAddress, FieldType::kPort}}};
  nft::Chain services{.name = "services"};
  for (size_t size : sizes) {
    table.sets.push_back(sizeSet(size));
    table.chains.push_back(sizeChain(size));
    services.rules.push_back(sizeRule(size));
  }
  table.chains.push_back(std::move(services));
  table.chains.push_back(refuseChain());
  table.chains.push_back(translatingChain("prerouting", nft::HookPoint::kPrerouting));
  table.chains.push_back(translatingChain("output", nft::HookPoint::kOutput));
  table.chains.push_back(refusingChain("refuse_prerouting", nft::HookPoint::kPrerouting, cidrs));
  table.chains.push_back(refusingChain("refuse_output", nft::HookPoint::kOutput, cidrs));
  table.chains.push_back(hairpinChain());
  return table;
}

void addSize(nft::Batch& batch, size_t size) {
  nft::Chain chain = sizeChain(size);
  batch.addSet(kTable, sizeSet(size));
  batch.addChain(kTable, chain);
  batch.addRules(kTable, chain);
  batch.addRules(kTable, {.name = "services", .rules = {sizeRule(size)}});
}

Sizes sizesOf(const Slots& slots) {
  Sizes sizes{1};  // all others lead there
  slots.forEachPort([&](const ServicePort&, const std::vector<Endpoint>& endpoints) {
    if (!endpoints.empty()) sizes.insert(endpoints.size());
  });
  return sizes;
}

void addElement(nft::Batch& batch, const Element& element, const nft::Data& data) {
  if (data.bytes().empty()) {
    batch.addElement(kTable, element.set, element.key);
  } else {
    batch.addElement(kTable, element.set, element.key, data);
  }
}

void addElementTo(nft::Table& table, const Element& element, const nft::Data& data) {
  for (nft::Set& set : table.sets) {
    if (set.name == element.set) set.elements.insert(element.key);
  }
  for (nft::DataMap& map : table.maps) {
    if (map.name == element.set) map.elements.emplace(element.key, data);
  }
}

}  // namespace

nft::Table wholeTable(const Slots& slots, const Cidrs& cidrs) {
  nft::Table table = emptyTable(sizesOf(slots), cidrs);
  slots.forEachElement([&](const Element& element, const nft::Data& data) { addElementTo(table, element, data); });
  return table;
}

void addWholeTable(nft::Batch& batch, const Slots& slots, const Cidrs& cidrs, Sizes& sizes) {
  sizes = sizesOf(slots);
  batch.replaceTable(emptyTable(sizes, cidrs));
  slots.forEachElement([&](const Element& element, const nft::Data& data) { addElement(batch, element, data); });
}

void addChanges(nft::Batch& batch, const Slots& slots, const Changes& changes, Sizes& sizes) {
  for (const ServicePort& port : changes.ports()) {
    const auto* endpoints = slots.find(port);
    if (endpoints && !endpoints->empty() && sizes.insert(endpoints->size()).second) addSize(batch, endpoints->size());
  }
  auto elements = changes.elements();
  for (const auto& [element, change] : elements) {
    if (change.before) batch.deleteElement(kTable, element.set, element.key);
  }
  for (const auto& [element, change] : elements) {
    if (change.after) addElement(batch, element, *change.after);
  }
}

}  // namespace wherry::proxy
