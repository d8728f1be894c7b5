// PodTopologySpread: pods that match a selector are to be spread evenly over topology domains; more uneven than maxSkew
// they must not become (DoNotSchedule), or should not (ScheduleAnyway).
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "scheduler/cluster_cache.h"
#include "scheduler/plugin.h"
#include "scheduler/spread_constraints.h"

namespace wherry::scheduler {

struct SpreadCounts {
  struct Domains {
    std::unordered_map<std::string_view, int64_t> pods;  // how many match, by the topology key's value
    int64_t fewest = 0;
    int64_t own = 0;  // 1 when the incoming pod itself matches
  };
  SpreadConstraints constraints;  // of DoNotSchedule
  std::vector<Domains> domains;   // of each
};

SpreadCounts countSpread(const PodInfo& pod, const ClusterCache& cluster);
// As if `by` more of `other` were on the node.
void adjustSpread(SpreadCounts& counts, const PodInfo& pod, const PodInfo& other, const NodeInfo& node, int64_t by);

Verdict filterTopologySpread(const CycleState& cycle, const NodeInfo& node);
// By ScheduleAnyway constraints, the scheduler's own for a pod that has none at all.
std::vector<int64_t> scoreTopologySpread(const CycleState& cycle, const NodeList& nodes);

}  // namespace wherry::scheduler
