// InterPodAffinity: pods that want to be in the same topology domain as others, or must not be; the terms of the pods
// that are there count as well as the incoming pod's own.
#pragma once

#include <vector>

#include "scheduler/cluster_cache.h"
#include "scheduler/plugin.h"
#include "scheduler/topology_counts.h"

namespace wherry::scheduler {

struct AffinityCounts {
  TopologyCounts forbidding;  // required anti-affinity terms of pods there that match the incoming one
  TopologyCounts wanted;      // pods there that match all of its required affinity terms, by each term's key
  TopologyCounts unwanted;    // pods there that match one of its required anti-affinity terms
};

AffinityCounts countAffinity(const PodInfo& pod, const ClusterCache& cluster);
// As if `by` more of `other` were on the node.
void adjustAffinity(AffinityCounts& counts, const PodInfo& pod, const PodInfo& other, const NodeInfo& node, int64_t by,
                    const ClusterCache& cluster);

Verdict filterInterPodAffinity(const CycleState& cycle, const NodeInfo& node);
// By the weights of preferred terms, the pod's own and those of pods there, and by their required affinity.
std::vector<int64_t> scoreInterPodAffinity(const CycleState& cycle, const NodeList& nodes);

}  // namespace wherry::scheduler
