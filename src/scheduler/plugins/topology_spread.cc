#include "scheduler/plugins/topology_spread.h"

#include <algorithm>

#include "scheduler/cycle_state.h"

namespace wherry::scheduler {

namespace {

using Domains = SpreadCounts::Domains;

void findFewest(Domains& domains, int64_t minDomains) {
  domains.fewest = domains.pods.empty() ? 0 : domains.pods.begin()->second;
  for (const auto& [value, count] : domains.pods) domains.fewest = std::min(domains.fewest, count);
  // KEP-3022: domains that are missing have no pods.
  if (static_cast<int64_t>(domains.pods.size()) < minDomains) domains.fewest = 0;
}

// The domain that the node is counted in; nothing when it isn't.
std::optional<std::string_view> domainOf(const SpreadConstraint& constraint, const PodInfo& pod, const NodeInfo& node) {
  if (!includes(constraint, pod, node)) return std::nullopt;
  return node.label(constraint.topologyKey);
}

Domains countDomains(const SpreadConstraint& constraint, const PodInfo& pod, const ClusterCache& cluster,
                     const NodeList& eligible) {
  Domains domains;
  std::unordered_map<const NodeInfo*, int64_t*> byNode;
  for (const auto* node : eligible) {
    if (const auto domain = domainOf(constraint, pod, *node)) byNode.emplace(node, &domains.pods[*domain]);
  }
  const auto metadata = pod.pod.metadata();
  cluster.groups().forEachIn(metadata.ns(), [&](const PodGroups::Group& group) {
    if (group.deleting || !constraint.selector.matches(group.labels())) return;
    for (const auto& [node, count] : group.counts) {
      if (const auto found = byNode.find(node); found != byNode.end()) *found->second += count;
    }
  });
  domains.own = constraint.selector.matches(metadata.labels()) ? 1 : 0;
  findFewest(domains, constraint.minDomains);
  return domains;
}

}  // namespace

SpreadCounts countSpread(const PodInfo& pod, const ClusterCache& cluster) {
  SpreadCounts counts{.constraints = spreadConstraintsOf(pod.pod, kDoNotSchedule), .domains = {}};
  if (counts.constraints.empty()) return counts;
  NodeList eligible;
  std::copy_if(cluster.knownNodes().begin(), cluster.knownNodes().end(), std::back_inserter(eligible),
               [&](const NodeInfo* node) { return hasAllKeys(*node, counts.constraints); });
  for (const auto& constraint : counts.constraints) {
    counts.domains.push_back(countDomains(constraint, pod, cluster, eligible));
  }
  return counts;
}

void adjustSpread(SpreadCounts& counts, const PodInfo& pod, const PodInfo& other, const NodeInfo& node, int64_t by) {
  const auto metadata = other.pod.metadata();
  if (counts.constraints.empty() || metadata.ns() != pod.pod.metadata().ns() || metadata.deleting()) return;
  if (!hasAllKeys(node, counts.constraints)) return;
  for (size_t i = 0; i < counts.constraints.size(); ++i) {
    const auto& constraint = counts.constraints[i];
    const auto domain = constraint.selector.matches(metadata.labels()) ? domainOf(constraint, pod, node) : std::nullopt;
    if (!domain) continue;
    counts.domains[i].pods[*domain] += by;
    findFewest(counts.domains[i], constraint.minDomains);
  }
}

Verdict filterTopologySpread(const CycleState& cycle, const NodeInfo& node) {
  const auto& [constraints, domains] = cycle.spread;
  for (size_t i = 0; i < constraints.size(); ++i) {
    const auto value = node.label(constraints[i].topologyKey);
    if (!value) {
      return {{"node(s) didn't match pod topology spread constraints (missing required label)"}, Preemption::kFutile};
    }
    const auto there = domains[i].pods.find(*value);
    const int64_t count = there == domains[i].pods.end() ? 0 : there->second;
    if (count + domains[i].own - domains[i].fewest > constraints[i].maxSkew) {
      return {{"node(s) didn't match pod topology spread constraints"}, Preemption::kMayHelp};
    }
  }
  return {};
}

}  // namespace wherry::scheduler
