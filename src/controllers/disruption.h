// The disruption controller: keeps the status of PodDisruptionBudgets, from which the eviction API takes whether a pod
// may go. Without it no pod under a budget could ever be evicted.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "views/core_v1.h"
#include "views/policy_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeDisruptionController(ControllerContext& context);

// A workload that makes pods, and how many it should have.
struct Workload {
  std::string uid;
  int64_t replicas = 0;
};
// Of a pod; nothing when no workload makes it.
using WorkloadOf = std::function<std::optional<Workload>(const core_v1::Pod&)>;

struct BudgetStatus {
  json::Object status;
  std::optional<base::WallTime> recheckAt;  // when an eviction that was granted counts as not done
};

// `pods`: those that the budget selects. Pure.
BudgetStatus decideBudgetStatus(const policy_v1::PodDisruptionBudget& budget, const std::vector<core_v1::Pod>& pods,
                                const WorkloadOf& workloadOf, base::WallTime now);

}  // namespace wherry::controllers
