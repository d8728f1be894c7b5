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

// What storage drivers attach to nodes: the volumes of a pod that is on one, and how many of each driver a node takes.
// Asked only of pods that have such volumes.
struct NodeVolumes {
  std::function<DriverVolumes(const core_v1::Pod&)> attachedBy;
  std::function<std::map<std::string, int64_t, std::less<>>(std::string_view node)> limits;
};

struct CycleState {
  CycleState(const PodInfo& podToPlace, const ClusterCache& clusterToUse, Siblings siblingsToUse = {},
             NodeVolumes nodeVolumesToUse = {});

  // As if `other` were on the node (1), or were not (-1).
  void adjust(const PodInfo& other, const NodeInfo& node, int64_t by);

  const PodInfo& pod;
  const ClusterCache& cluster;
  Siblings siblings;
  NodeVolumes nodeVolumes;
  AffinityCounts affinity;
  SpreadCounts spread;
  int64_t claimHolders = 0;  // pods that have what this one would have alone
};

}  // namespace wherry::scheduler
