#include <algorithm>
#include <map>

#include "controllers/disruption.h"
#include "controllers/number_or_percent.h"
#include "controllers/pod_state.h"
#include "meta/conditions.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using core_v1::Pod;
using policy_v1::PodDisruptionBudget;

// A pod that was granted an eviction and is still there after this time was not evicted: it counts again.
constexpr std::chrono::minutes kDeletionTimeout{2};

// How many pods the workloads behind these should have together.
int64_t replicasBehind(const std::vector<Pod>& pods, const WorkloadOf& workloadOf) {
  std::map<std::string, int64_t> replicas;
  for (const auto& pod : pods) {
    if (const auto workload = workloadOf(pod)) replicas[workload->uid] = workload->replicas;
  }
  int64_t sum = 0;
  for (const auto& [uid, count] : replicas) sum += count;
  return sum;
}

struct Wanted {
  int64_t expected = 0;
  int64_t healthy = 0;
};

Wanted decideWanted(const PodDisruptionBudget& budget, const std::vector<Pod>& pods, const WorkloadOf& workloadOf) {
  if (const auto* most = budget.spec().maxUnavailable()) {
    const int64_t expected = replicasBehind(pods, workloadOf);
    return {expected, std::max<int64_t>(0, expected - resolveNumberOrPercent(*most, expected, Rounding::kUp))};
  }
  const auto* least = budget.spec().minAvailable();
  if (!least) return {};
  const bool percentage = least->is_string();
  const int64_t expected = percentage ? replicasBehind(pods, workloadOf) : static_cast<int64_t>(pods.size());
  return {expected, resolveNumberOrPercent(*least, expected, Rounding::kUp)};
}

// The evictions that were granted and have not been carried out yet, of the pods that are there.
json::Object pendingEvictions(const PodDisruptionBudget& budget, const std::vector<Pod>& pods, base::WallTime now,
                              std::optional<base::WallTime>& recheckAt) {
  json::Object pending;
  const auto granted = budget.status().disruptedPods();
  for (const auto& pod : pods) {
    const auto time = meta::parseTime(granted.get(pod.metadata().name()));
    if (!time || pod.metadata().deleting() || *time + kDeletionTimeout <= now) continue;
    pending[pod.metadata().name()] = granted.get(pod.metadata().name());
    const auto end = *time + kDeletionTimeout;
    if (!recheckAt || end < *recheckAt) recheckAt = end;
  }
  return pending;
}

void setAllowed(json::Object& status, bool allowed, int64_t generation, base::WallTime now) {
  auto& conditions = json::ensureArray(status, "conditions");
  meta::setCondition(
      conditions,
      {"DisruptionAllowed", allowed ? "True" : "False", allowed ? "SufficientPods" : "InsufficientPods", ""},
      meta::formatTime(now));
  auto& condition = conditions.back().as_object();
  condition["message"] = "";  // this kind's conditions always have one
  condition["observedGeneration"] = generation;
}

}  // namespace

BudgetStatus decideBudgetStatus(const PodDisruptionBudget& budget, const std::vector<Pod>& pods,
                                const WorkloadOf& workloadOf, base::WallTime now) {
  BudgetStatus result;
  auto pending = pendingEvictions(budget, pods, now, result.recheckAt);
  const auto healthy = std::ranges::count_if(pods, [&](const Pod& pod) {
    return !pod.metadata().deleting() && !pending.contains(pod.metadata().name()) && isReady(pod);
  });
  const auto wanted = decideWanted(budget, pods, workloadOf);
  const int64_t allowed = wanted.expected > 0 ? std::max<int64_t>(0, healthy - wanted.healthy) : 0;
  json::Object& status = result.status = budget.status().tree();
  status["currentHealthy"] = healthy;
  status["desiredHealthy"] = wanted.healthy;
  status["expectedPods"] = wanted.expected;
  status["disruptionsAllowed"] = allowed;
  status.erase("disruptedPods");
  if (!pending.empty()) status["disruptedPods"] = std::move(pending);
  status["observedGeneration"] = budget.metadata().generation();
  setAllowed(status, allowed > 0, budget.metadata().generation(), now);
  return result;
}

}  // namespace wherry::controllers
