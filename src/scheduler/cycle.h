// The scheduling cycle: one pod and all nodes in; the node for it, or the reasons why there is none, out. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "scheduler/cycle_state.h"
#include "scheduler/filtering.h"

namespace wherry::scheduler {

struct Refused {
  const NodeInfo* node;
  Verdict verdict;
};

struct Placement {
  std::string node;     // "" when no node will do; then:
  std::string message;  // "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable."
  Relief relief = Relief::kNodeChange;
  std::vector<Refused> refused;  // every node, each with its reasons
};

// Picks one of that many equally good nodes.
using Pick = std::function<size_t(size_t count)>;

// Of many nodes only as many are compared as make a good choice likely. A node that was promised to the pod is taken
// when it will do.
Placement decidePlacement(const CycleState& cycle, const Pick& pick);

// So many that will do are enough, of that many: all of 100, half of 1,000, a twentieth of 6,000, never less than 100.
size_t enoughNodes(size_t nodes);

}  // namespace wherry::scheduler
