// Preemption: which pods of lower priority are to go, and from which node, so that a pod for which there is no room
// gets some. Pure.
//
// Nobody goes in vain: only where the pod would fit afterwards, and as few as will do. Among nodes that one is best
// where the fewest budgets are broken; then whose most important victim is the least important; then with the lowest
// sum of priorities; then with the fewest victims; then whose victims started last.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "meta/selector.h"
#include "scheduler/cycle.h"
#include "views/policy_v1.h"

namespace wherry::scheduler {

// A PodDisruptionBudget, as far as it matters here.
struct Budget {
  std::string ns;
  meta::LabelSelector selector;
  int64_t allowed = 0;
  std::set<std::string, std::less<>> disrupted;  // pods that were counted already
};
Budget budgetOf(const policy_v1::PodDisruptionBudget& budget);

struct PreemptionPlan {
  std::string node;                 // "" when nothing helps; then:
  std::string message;              // "preemption: 0/3 nodes are available: ..."
  bool keepsPromise = false;        // the node that the pod was promised is still being cleared
  std::vector<PodInfoPtr> victims;  // the most important first
};

// `refused`: all nodes and why they would not do (Placement). `pick`: with which node to begin.
PreemptionPlan decidePreemption(const CycleState& cycle, const std::vector<Refused>& refused,
                                const std::vector<Budget>& budgets, const Pick& pick);

}  // namespace wherry::scheduler
