// CycleState: what one attempt to place a pod knows of the whole cluster before it looks at single nodes. Can be asked
// "what if": pods are added to and removed from it without the cluster's knowing. Valid while the cluster does not
// change. A value; pure.
#pragma once

#include <functional>

#include "scheduler/cluster_cache.h"
#include "scheduler/plugins/inter_pod_affinity.h"
#include "scheduler/plugins/topology_spread.h"

namespace wherry::scheduler {

// What a pod's Services and controller select: the pods that it is spread among when it has no constraints of its own.
// Matches nothing when there is none. Asked only when it matters.
using Siblings = std::function<meta::LabelSelector(const core_v1::Pod&)>;

struct CycleState {
  CycleState(const PodInfo& podToPlace, const ClusterCache& clusterToUse, Siblings siblingsToUse = {});

  // As if `other` were on the node (1), or were not (-1).
  void adjust(const PodInfo& other, const NodeInfo& node, int64_t by);

  const PodInfo& pod;
  const ClusterCache& cluster;
  Siblings siblings;
  AffinityCounts affinity;
  SpreadCounts spread;
};

}  // namespace wherry::scheduler
