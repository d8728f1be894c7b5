#include "policy/classes.h"

#include <fmt/format.h>

#include "base/log.h"
#include "policy/block_ranges.h"

namespace wherry::policy {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::FieldType;
using nft::MatchSet;
using nft::Rule;

const base::Log kLog("policy");

const nft::Verdict kReturn{nft::VerdictKind::kReturn, ""};
const nft::Verdict kRefuse{nft::VerdictKind::kGoto, "refuse"};

// Of what is sent to, whoever began the connection.
const nft::Key kPort = {Field::kConnectionProtocol, Field::kReplySourcePort};
nft::Key withPort(Field peer) { return {peer, Field::kConnectionProtocol, Field::kReplySourcePort}; }

nft::Set rangesSet(std::string name, nft::Type type) {
  type.insert(type.end(), {FieldType::kProtocol, FieldType::kPort});
  nft::Set set{.name = std::move(name), .type = std::move(type)};
  set.ranges.emplace();
  return set;
}

struct Allowed {
  std::map<Term, PortSet> byTerm;
  std::set<Term> named;
  std::vector<std::pair<IpBlock, PortSet>> blocks;
};

Allowed allowedBy(const HeldPolicies& policies, const ClassKey& key) {
  Allowed allowed;
  bool ofOwnPods = key.direction == Direction::kIngress;
  for (uint32_t number : key.policies) {
    const HeldPolicy& held = policies.at(number);
    forEachRule(held.policy, key.direction, [&](const PolicyRule& rule, size_t i) {
      // What is sent to elsewhere has ports by name in sets of its own, and outside of the cluster none.
      PortSet ports = rule.ports.resolved(ofOwnPods ? key.names : NamedPorts());
      const HeldPolicy::Terms& terms = held.terms.at(key.direction)[i];
      for (Term term : terms.plain) allowed.byTerm[term].add(ports);
      allowed.named.insert(terms.named.begin(), terms.named.end());
      for (const IpBlock& block : rule.blocks) allowed.blocks.emplace_back(block, ports);
    });
  }
  return allowed;
}

bool isEverybody(const BlockRange& range, base::IpFamily family) {
  base::IpPrefix all = base::IpPrefix::all(family);
  return range.first == all.address() && range.last == all.last() && range.ports == PortSet::everything();
}

}  // namespace

std::string Classes::usePorts(const PortSet& ports) {
  Ports& known = ports_[ports];
  if (known.users++ > 0) return known.set;
  known.set = fmt::format("ports{}", numbers_.next());
  nft::Set set = rangesSet(known.set, {});
  for (const PortRange& range : ports.ranges()) {
    set.ranges->emplace(Data().protocol(range.firstProtocol).port(range.first),
                        Data().protocol(range.lastProtocol).port(range.last));
  }
  content_.addSet(std::move(set));
  return known.set;
}

void Classes::dropPorts(const PortSet& ports) {
  auto found = ports_.find(ports);
  if (--found->second.users > 0) return;
  content_.removeSet(found->second.set);
  ports_.erase(found);
}

Rule Classes::allowBlocks(const std::string& chain, Class& to, const std::vector<std::pair<IpBlock, PortSet>>& blocks,
                          Field peer) {
  BlockRanges flat = flattenBlocks(blocks, family_);
  if (flat.cut) {
    kLog.error("too many ipBlocks: some of what the NetworkPolicies of namespace {} allow is not allowed",
               policies_.at(to.key.policies.front()).policy.ns);
  }
  if (flat.ranges.empty()) return {};
  if (isEverybody(flat.ranges.front(), family_)) return {{kReturn}};
  to.blocks = chain + "_blocks";
  nft::Set set = rangesSet(to.blocks, {nft::addressType(family_)});
  for (const BlockRange& range : flat.ranges) {
    for (const PortRange& ports : range.ports.ranges()) {
      set.ranges->emplace(Data().address(range.first).protocol(ports.firstProtocol).port(ports.first),
                          Data().address(range.last).protocol(ports.lastProtocol).port(ports.last));
    }
  }
  content_.addSet(std::move(set));
  return {{MatchSet{withPort(peer), to.blocks}, kReturn}};
}

nft::Chain Classes::build(const std::string& name, Class& to) {
  bool isIngress = to.key.direction == Direction::kIngress;
  Field peer = isIngress ? Field::kOriginalSource : Field::kReplySource;
  Allowed allowed = allowedBy(policies_, to.key);
  nft::Chain chain{.name = name};
  Rule byBlocks = allowBlocks(name, to, allowed.blocks, peer);
  if (!byBlocks.statements.empty()) chain.rules.push_back(std::move(byBlocks));
  for (const auto& [term, ports] : allowed.byTerm) {
    if (ports.ranges().empty()) continue;  // a name that its pods don't have
    Rule& rule = chain.rules.emplace_back(Rule{{MatchSet{{peer}, Peers::setOf(term)}}});
    if (ports != PortSet::everything()) {
      rule.statements.push_back(MatchSet{kPort, usePorts(ports)});
      to.ports.push_back(ports);
    }
    rule.statements.push_back(kReturn);
  }
  for (Term term : allowed.named) chain.rules.push_back({{MatchSet{withPort(peer), Peers::setOf(term)}, kReturn}});
  chain.rules.push_back({{kRefuse}});
  return chain;
}

std::string Classes::use(const ClassKey& key) {
  auto [known, isNew] = byKey_.try_emplace(key);
  if (isNew) {
    known->second = fmt::format("{}{}", key.direction == Direction::kIngress ? "in" : "out", numbers_.next());
    Class& added = classes_[known->second];
    added.key = key;
    content_.addChain(build(known->second, added));
  }
  ++classes_.at(known->second).users;
  return known->second;
}

void Classes::drop(const std::string& chain) {
  auto found = classes_.find(chain);
  Class& gone = found->second;
  if (--gone.users > 0) return;
  content_.removeChain(chain);
  if (!gone.blocks.empty()) content_.removeSet(gone.blocks);
  for (const PortSet& ports : gone.ports) dropPorts(ports);
  byKey_.erase(gone.key);
  classes_.erase(found);
}

}  // namespace wherry::policy
