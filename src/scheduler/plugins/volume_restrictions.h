// VolumeRestrictions: a claim of access mode ReadWriteOncePod is one pod's, wherever the others would run (KEP-2485).
#pragma once

#include "scheduler/cluster_cache.h"
#include "scheduler/plugin.h"

namespace wherry::scheduler {

// How many pods have one of the claims that the pod would have alone.
int64_t countHolders(const PodInfo& pod, const ClusterCache& cluster);
bool holdsClaimOf(const PodInfo& pod, const PodInfo& other);

Verdict filterVolumeRestrictions(const CycleState& cycle, const NodeInfo& node);

}  // namespace wherry::scheduler
