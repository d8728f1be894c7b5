#include "scheduler/spread_constraints.h"

#include <algorithm>

#include "scheduler/plugins/node_affinity.h"
#include "scheduler/plugins/taint_toleration.h"

namespace wherry::scheduler {

SpreadConstraints spreadConstraintsOf(const core_v1::Pod& pod, std::string_view whenUnsatisfiable) {
  SpreadConstraints constraints;
  for (const auto constraint : pod.spec().topologySpreadConstraints()) {
    if (constraint.whenUnsatisfiable() != whenUnsatisfiable) continue;
    constraints.push_back({.maxSkew = constraint.maxSkew(),
                           .topologyKey = std::string(constraint.topologyKey()),
                           .selector = meta::LabelSelector::fromObject(constraint.field("labelSelector")),
                           .minDomains = constraint.minDomainsOr(1),
                           .honorsAffinity = constraint.nodeAffinityPolicy() != "Ignore",
                           .honorsTaints = constraint.nodeTaintsPolicy() == "Honor"});
  }
  return constraints;
}

SpreadConstraints defaultSpreadConstraints(const meta::LabelSelector& siblings) {
  return {{.maxSkew = 3, .topologyKey = "kubernetes.io/hostname", .selector = siblings},
          {.maxSkew = 5, .topologyKey = "topology.kubernetes.io/zone", .selector = siblings}};
}

bool hasAllKeys(const NodeInfo& node, const SpreadConstraints& constraints) {
  return std::all_of(constraints.begin(), constraints.end(), [&](const SpreadConstraint& constraint) {
    return node.label(constraint.topologyKey).has_value();
  });
}

bool includes(const SpreadConstraint& constraint, const PodInfo& pod, const NodeInfo& node) {
  if (constraint.honorsAffinity && !filterNodeAffinity(pod, node).empty()) return false;
  return !constraint.honorsTaints || filterTaintToleration(pod, node).empty();
}

}  // namespace wherry::scheduler
