#include <algorithm>

#include "controllers/pod_state.h"
#include "controllers/replica_set.h"
#include "controllers/status_writer.h"
#include "meta/conditions.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using apps_v1::ReplicaSet;
using core_v1::Pod;
using core_v1::ReplicationController;

bool hasLabels(const Pod& pod, const json::Object& wanted) {
  for (const auto& label : wanted) {
    if (!label.value().is_string() || pod.metadata().label(label.key()) != label.value().get_string()) return false;
  }
  return true;
}

void setFailure(json::Object& status, const ReplicaFailure& failure, base::WallTime now) {
  const auto* current = status.if_contains("conditions");
  json::Array conditions = current && current->is_array() ? current->get_array() : json::Array();
  if (failure.reason.empty()) {
    meta::removeCondition(conditions, "ReplicaFailure");
  } else if (meta::conditionField(conditions, "ReplicaFailure", "reason") != failure.reason) {
    meta::setCondition(conditions, {"ReplicaFailure", "True", failure.reason, failure.message}, meta::formatTime(now));
  }
  if (conditions.empty()) {
    status.erase("conditions");
  } else {
    status["conditions"] = std::move(conditions);
  }
}

}  // namespace

template <typename Owner>
ReplicaActions decideReplicas(const Owner& owner, const std::vector<Pod>& pods, const PodsOnNode& podsOnNode,
                              base::WallTime now) {
  const auto have = static_cast<int64_t>(pods.size());
  const int64_t want = owner.spec().replicasOr(1);
  ReplicaActions actions;
  if (have < want) actions.create = std::min(want - have, kReplicaSetBurst);
  if (have > want) {
    actions.remove = pods;
    sortForDeletion(actions.remove, podsOnNode, now);
    actions.remove.resize(static_cast<size_t>(std::min(have - want, kReplicaSetBurst)));
  }
  return actions;
}

template <typename Owner>
json::Object decideReplicaStatus(const Owner& owner, const std::vector<Pod>& pods, const ReplicaFailure& failure,
                                 base::WallTime now) {
  const auto& templateLabels = owner.spec().template_().metadata().labels().tree();
  const int64_t minReadySeconds = owner.spec().minReadySeconds();
  int64_t active = 0, labeled = 0, ready = 0, available = 0, terminating = 0;
  for (const auto& pod : pods) {
    if (pod.metadata().deleting() && !isTerminal(pod)) ++terminating;
    if (!isActive(pod)) continue;
    ++active;
    if (hasLabels(pod, templateLabels)) ++labeled;
    // Once for each of perhaps thousands, at every change of one of them.
    if (!isReady(pod)) continue;
    ++ready;
    if (minReadySeconds == 0 || isAvailable(pod, minReadySeconds, now)) ++available;
  }
  json::Object status = owner.status().tree();
  status["replicas"] = active;
  setCount(status, "fullyLabeledReplicas", labeled);
  setCount(status, "readyReplicas", ready);
  setCount(status, "availableReplicas", available);
  if constexpr (std::is_same_v<Owner, ReplicaSet>) status["terminatingReplicas"] = terminating;
  status["observedGeneration"] = owner.metadata().generation();
  setFailure(status, failure, now);
  return status;
}

template ReplicaActions decideReplicas(const ReplicaSet&, const std::vector<Pod>&, const PodsOnNode&, base::WallTime);
template ReplicaActions decideReplicas(const ReplicationController&, const std::vector<Pod>&, const PodsOnNode&,
                                       base::WallTime);
template json::Object decideReplicaStatus(const ReplicaSet&, const std::vector<Pod>&, const ReplicaFailure&,
                                          base::WallTime);
template json::Object decideReplicaStatus(const ReplicationController&, const std::vector<Pod>&, const ReplicaFailure&,
                                          base::WallTime);

}  // namespace wherry::controllers
