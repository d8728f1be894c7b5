// Topology spread constraints, as a pod has them or as the scheduler takes for those that have none. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meta/selector.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

struct SpreadConstraint {
  int64_t maxSkew = 1;
  std::string topologyKey;
  meta::LabelSelector selector;
  int64_t minDomains = 1;
  bool honorsAffinity = true;  // nodeAffinityPolicy
  bool honorsTaints = false;   // nodeTaintsPolicy
};
using SpreadConstraints = std::vector<SpreadConstraint>;

inline constexpr std::string_view kDoNotSchedule = "DoNotSchedule";
inline constexpr std::string_view kScheduleAnyway = "ScheduleAnyway";

SpreadConstraints spreadConstraintsOf(const core_v1::Pod& pod, std::string_view whenUnsatisfiable);
// Of a pod that has none: a little over nodes and zones, among its siblings.
SpreadConstraints defaultSpreadConstraints(const meta::LabelSelector& siblings);

// Whether the node has a label for each constraint.
bool hasAllKeys(const NodeInfo& node, const SpreadConstraints& constraints);
// Whether the constraint takes the node into account for this pod (KEP-3094).
bool includes(const SpreadConstraint& constraint, const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
