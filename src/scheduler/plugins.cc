// The table of plugins, with upstream's order and default weights.
#include <array>

#include "scheduler/cycle_state.h"
#include "scheduler/plugin.h"
#include "scheduler/plugins/balanced_allocation.h"
#include "scheduler/plugins/image_locality.h"
#include "scheduler/plugins/inter_pod_affinity.h"
#include "scheduler/plugins/node_affinity.h"
#include "scheduler/plugins/node_name.h"
#include "scheduler/plugins/node_ports.h"
#include "scheduler/plugins/node_resources_fit.h"
#include "scheduler/plugins/node_unschedulable.h"
#include "scheduler/plugins/taint_toleration.h"
#include "scheduler/plugins/topology_spread.h"
#include "scheduler/plugins/volume_binding.h"
#include "scheduler/plugins/volume_limits.h"
#include "scheduler/plugins/volume_restrictions.h"

namespace wherry::scheduler {

namespace {

// A rule that asks for nothing but the pod and the node.
template <Reasons (*kCheck)(const PodInfo&, const NodeInfo&), Preemption kPreemption>
Verdict alone(const CycleState& cycle, const NodeInfo& node) {
  return {kCheck(cycle.pod, node), kPreemption};
}

template <int64_t (*kRate)(const PodInfo&, const NodeInfo&)>
std::vector<int64_t> each(const CycleState& cycle, const NodeList& nodes) {
  std::vector<int64_t> rates;
  rates.reserve(nodes.size());
  for (const auto* node : nodes) rates.push_back(kRate(cycle.pod, *node));
  return rates;
}

Verdict checkResources(const CycleState& cycle, const NodeInfo& node) {
  return {filterNodeResourcesFit(cycle.pod, node),
          exceedsNode(cycle.pod, node) ? Preemption::kFutile : Preemption::kMayHelp};
}

}  // namespace

std::span<const Filter> filters() {
  using enum Preemption;
  static constexpr std::array<Filter, 11> kFilters{{
      {"NodeUnschedulable", alone<filterNodeUnschedulable, kFutile>, Relief::kNodeChange},
      {"NodeName", alone<filterNodeName, kFutile>, Relief::kNodeChange},
      {"TaintToleration", alone<filterTaintToleration, kFutile>, Relief::kNodeChange},
      {"NodeAffinity", alone<filterNodeAffinity, kFutile>, Relief::kNodeChange},
      {"NodePorts", alone<filterNodePorts, kMayHelp>, Relief::kNodeOrPodRemoval},
      {"NodeResourcesFit", checkResources, Relief::kNodeOrPodRemoval},
      {"VolumeRestrictions", filterVolumeRestrictions, Relief::kNodeOrPodRemoval | Relief::kNodeOrStorage},
      {"NodeVolumeLimits", filterVolumeLimits, Relief::kNodeOrPodRemoval | Relief::kNodeOrStorage},
      {"VolumeBinding", alone<filterVolumeBinding, kFutile>, Relief::kNodeOrStorage},
      {"PodTopologySpread", filterTopologySpread, Relief::kNodeOrPods},
      {"InterPodAffinity", filterInterPodAffinity, Relief::kNodeOrPods},
  }};
  return kFilters;
}

std::span<const Score> scores() {
  static constexpr std::array<Score, 7> kScores{{
      {"TaintToleration", 3, each<scoreTaintToleration>, Scale::kHighestIsWorst},
      {"NodeAffinity", 2, each<scoreNodeAffinity>, Scale::kHighestIsBest},
      {"NodeResourcesFit", 1, each<scoreLeastAllocated>, Scale::kAsIs},
      {"PodTopologySpread", 2, scoreTopologySpread, Scale::kAsIs},
      {"InterPodAffinity", 2, scoreInterPodAffinity, Scale::kAsIs},
      {"NodeResourcesBalancedAllocation", 1, each<scoreBalancedAllocation>, Scale::kAsIs},
      {"ImageLocality", 1, each<scoreImageLocality>, Scale::kAsIs},
  }};
  return kScores;
}

}  // namespace wherry::scheduler
