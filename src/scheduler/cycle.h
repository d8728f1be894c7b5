// The scheduling cycle: one pod and all nodes in; the node for it, or the reasons why there is none, out. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scheduler/plugin.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

struct Placement {
  std::string node;     // "" when no node will do; then:
  std::string message;  // "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable."
  Relief relief = Relief::kNodeChange;
};

// Picks one of that many equally good nodes.
using Pick = std::function<size_t(size_t count)>;

Placement decidePlacement(const PodInfo& pod, const Nodes& nodes, const Pick& pick);

}  // namespace wherry::scheduler
