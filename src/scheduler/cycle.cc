#include "scheduler/cycle.h"

#include <algorithm>

#include <fmt/format.h>

#include "scheduler/plugins/node_affinity.h"

namespace wherry::scheduler {

namespace {

void normalize(std::vector<int64_t>& rates, Scale scale) {
  if (scale == Scale::kAsIs) return;
  const int64_t highest = *std::max_element(rates.begin(), rates.end());
  for (auto& rate : rates) {
    const int64_t part = highest == 0 ? 0 : rate * kBestScore / highest;
    rate = scale == Scale::kHighestIsBest ? part : kBestScore - part;
  }
}

std::vector<int64_t> totals(const CycleState& cycle, const NodeList& nodes) {
  std::vector<int64_t> sums(nodes.size());
  for (const auto& score : scores()) {
    auto rates = score.rate(cycle, nodes);
    normalize(rates, score.scale);
    for (size_t i = 0; i < nodes.size(); ++i) sums[i] += score.weight * rates[i];
  }
  return sums;
}

const NodeInfo& best(const CycleState& cycle, const NodeList& nodes, const Pick& pick) {
  if (nodes.size() == 1) return *nodes.front();
  const auto sums = totals(cycle, nodes);
  const int64_t highest = *std::max_element(sums.begin(), sums.end());
  NodeList equals;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (sums[i] == highest) equals.push_back(nodes[i]);
  }
  return *equals[pick(equals.size())];
}

Placement placedOn(const NodeInfo& node) { return {std::string(node.name()), "", Relief::kNodeChange, {}}; }

// What the claims of a pod lack is no node's fault.
Placement blocked(const CycleState& cycle) {
  const auto& nodes = cycle.cluster.knownNodes();
  Placement placement{"",
                      fmt::format("0/{} nodes are available: {}.", nodes.size(), cycle.pod.volumes.blocked),
                      Relief::kNodeOrStorage,
                      {}};
  for (const auto* node : nodes) placement.refused.push_back({node, Verdict{Reasons{cycle.pod.volumes.blocked}}});
  return placement;
}

Placement refusedBy(std::vector<Refused> refused, Relief relief) {
  Refusals refusals;
  for (const auto& each : refused) refusals.add(each.verdict.reasons);
  return {"", refusals.render(refused.size()), relief, std::move(refused)};
}

Judgement notNamed() {
  return {{{"node(s) didn't satisfy plugin(s) [NodeAffinity]"}, Preemption::kFutile}, Relief::kNodeChange};
}

// The node that was promised to the pod, when it will do.
const NodeInfo* promisedNode(const CycleState& cycle) {
  const auto name = cycle.cluster.nominatedNode(cycle.pod.pod.key());
  const auto found = name.empty() ? cycle.cluster.nodes().end() : cycle.cluster.nodes().find(name);
  if (found == cycle.cluster.nodes().end() || !found->second.known()) return nullptr;
  return judge(cycle, found->second).fits() ? &found->second : nullptr;
}

}  // namespace

size_t enoughNodes(size_t nodes) {
  constexpr size_t kLeast = 100;
  if (nodes <= kLeast) return nodes;
  const size_t percent = std::max<size_t>(50 - std::min<size_t>(nodes / 125, 50), 5);
  return std::max(nodes * percent / 100, kLeast);
}

Placement decidePlacement(const CycleState& cycle, const Pick& pick) {
  const auto& nodes = cycle.cluster.knownNodes();
  if (nodes.empty()) return {"", "no nodes available to schedule pods", Relief::kNodeChange, {}};
  if (!cycle.pod.volumes.blocked.empty()) return blocked(cycle);
  if (const auto* promised = promisedNode(cycle)) return placedOn(*promised);
  const auto named = namedNodes(cycle.pod.pod);
  const size_t enough = enoughNodes(nodes.size());
  const size_t first = enough == nodes.size() ? 0 : pick(nodes.size());
  NodeList feasible;
  std::vector<Refused> refused;
  Relief relief = Relief::kNodeChange;
  for (size_t i = 0; i < nodes.size() && feasible.size() < enough; ++i) {
    const auto* node = nodes[(first + i) % nodes.size()];
    auto judgement = named && !named->contains(node->name()) ? notNamed() : judge(cycle, *node);
    if (judgement.fits()) {
      feasible.push_back(node);
    } else {
      relief = relief | judgement.relief;
      refused.push_back({node, std::move(judgement)});
    }
  }
  if (feasible.empty()) return refusedBy(std::move(refused), relief);
  return placedOn(best(cycle, feasible, pick));
}

}  // namespace wherry::scheduler
