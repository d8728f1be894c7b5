// The table of plugins, with upstream's default weights.
#include <array>

#include "scheduler/plugin.h"
#include "scheduler/plugins/balanced_allocation.h"
#include "scheduler/plugins/image_locality.h"
#include "scheduler/plugins/node_affinity.h"
#include "scheduler/plugins/node_name.h"
#include "scheduler/plugins/node_ports.h"
#include "scheduler/plugins/node_resources_fit.h"
#include "scheduler/plugins/node_unschedulable.h"
#include "scheduler/plugins/taint_toleration.h"
#include "scheduler/plugins/volume_binding.h"

namespace wherry::scheduler {

std::span<const Filter> filters() {
  static constexpr std::array<Filter, 7> kFilters{{
      {"NodeUnschedulable", filterNodeUnschedulable, Relief::kNodeChange},
      {"NodeName", filterNodeName, Relief::kNodeChange},
      {"TaintToleration", filterTaintToleration, Relief::kNodeChange},
      {"NodeAffinity", filterNodeAffinity, Relief::kNodeChange},
      {"VolumeBinding", filterVolumeBinding, Relief::kNodeOrStorage},
      {"NodePorts", filterNodePorts, Relief::kNodeOrPodRemoval},
      {"NodeResourcesFit", filterNodeResourcesFit, Relief::kNodeOrPodRemoval},
  }};
  return kFilters;
}

std::span<const Score> scores() {
  static constexpr std::array<Score, 5> kScores{{
      {"TaintToleration", 3, scoreTaintToleration, Scale::kHighestIsWorst},
      {"NodeAffinity", 2, scoreNodeAffinity, Scale::kHighestIsBest},
      {"NodeResourcesFit", 1, scoreLeastAllocated, Scale::kAsIs},
      {"NodeResourcesBalancedAllocation", 1, scoreBalancedAllocation, Scale::kAsIs},
      {"ImageLocality", 1, scoreImageLocality, Scale::kAsIs},
  }};
  return kScores;
}

}  // namespace wherry::scheduler
