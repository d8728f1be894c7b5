#include "controllers/deployment_status.h"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "controllers/deployment_rollout.h"
#include "controllers/status_writer.h"
#include "meta/conditions.h"
#include "meta/time.h"

namespace wherry::controllers {

namespace {

using apps_v1::Deployment;

constexpr std::string_view kProgressing = "Progressing";
constexpr std::string_view kTimedOut = "ProgressDeadlineExceeded";
constexpr std::string_view kNewAvailable = "NewReplicaSetAvailable";

bool hasDeadline(const Deployment& deployment) {
  return deployment.spec().hasProgressDeadlineSeconds() &&
         deployment.spec().progressDeadlineSeconds() != std::numeric_limits<int32_t>::max();
}

const json::Array& conditionsOf(const json::Object& status) {
  static const json::Array kNone;
  const auto* conditions = status.if_contains("conditions");
  return conditions && conditions->is_array() ? conditions->get_array() : kNone;
}

void writeCounts(json::Object& status, const Deployment& deployment, const Generations& generations) {
  int64_t replicas = 0, ready = 0, available = 0, terminating = 0, wanted = 0;
  for (const auto& replicaSet : generations.all()) {
    replicas += replicaSet.status().replicas();
    ready += replicaSet.status().readyReplicas();
    available += replicaSet.status().availableReplicas();
    terminating += replicaSet.status().terminatingReplicas();
    wanted += replicaSet.spec().replicasOr(1);
  }
  status["observedGeneration"] = deployment.metadata().generation();
  setCount(status, "replicas", replicas);
  setCount(status, "updatedReplicas", generations.current ? generations.current->status().replicas() : 0);
  setCount(status, "readyReplicas", ready);
  setCount(status, "availableReplicas", available);
  setCount(status, "unavailableReplicas", std::max<int64_t>(wanted - available, 0));
  status["terminatingReplicas"] = terminating;
}

// Conditions of this kind also say when they were last looked at and changed; the same status and reason change
// nothing.
void set(json::Array& conditions, const meta::Condition& condition, base::WallTime now) {
  const bool same = meta::conditionField(conditions, condition.type, "status") == condition.status &&
                    meta::conditionField(conditions, condition.type, "reason") == condition.reason;
  if (!same) meta::setCondition(conditions, condition, meta::formatTime(now), meta::UpdateTime::kKept);
}

void setAvailable(json::Array& conditions, const json::Object& status, const Deployment& deployment,
                  base::WallTime now) {
  if (json::getInt(status, "availableReplicas") >= desiredReplicas(deployment) - maxUnavailable(deployment)) {
    set(conditions, {"Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability."}, now);
  } else {
    set(conditions,
        {"Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."}, now);
  }
}

// More new pods, fewer old ones, or more that are ready or available than last time.
bool hasProgressed(const json::Object& before, const json::Object& after) {
  const auto old = [](const json::Object& status) {
    return json::getInt(status, "replicas") - json::getInt(status, "updatedReplicas");
  };
  return json::getInt(after, "updatedReplicas") > json::getInt(before, "updatedReplicas") || old(after) < old(before) ||
         json::getInt(after, "readyReplicas") > json::getInt(before, "readyReplicas") ||
         json::getInt(after, "availableReplicas") > json::getInt(before, "availableReplicas");
}

// "ReplicaSet "web-5d4f" is progressing.", or of the Deployment while it has none.
std::string about(const StatusInput& input, std::string_view what) {
  const auto& current = input.generations.current;
  if (current) return fmt::format("ReplicaSet \"{}\" {}", current->metadata().name(), what);
  return fmt::format("Deployment \"{}\" {}", input.deployment.metadata().name(), what);
}

std::optional<base::WallTime> deadlineOf(const Deployment& deployment, const json::Array& conditions) {
  const auto reason = meta::conditionField(conditions, kProgressing, "reason");
  if (reason.empty() || reason == kNewAvailable || reason == kTimedOut) return std::nullopt;
  const auto since = meta::parseTime(meta::conditionField(conditions, kProgressing, "lastUpdateTime"));
  if (!since) return std::nullopt;
  return *since + std::chrono::seconds(deployment.spec().progressDeadlineSeconds());
}

// Progress restarts the deadline even when neither status nor reason change.
void refreshProgressing(json::Array& conditions, const std::string& message, base::WallTime now) {
  meta::setCondition(conditions, {std::string(kProgressing), "True", "ReplicaSetUpdated", message},
                     meta::formatTime(now), meta::UpdateTime::kKept);
}

bool wasComplete(const json::Object& status, const json::Array& conditions) {
  return json::getInt(status, "replicas") == json::getInt(status, "updatedReplicas") &&
         meta::conditionField(conditions, kProgressing, "reason") == kNewAvailable;
}

void judgeProgress(json::Array& conditions, const StatusInput& input, const json::Object& status) {
  if (!hasDeadline(input.deployment)) return meta::removeCondition(conditions, kProgressing);
  if (wasComplete(status, conditions)) return;
  const std::string type(kProgressing);
  if (isComplete(input.deployment, status)) {
    set(conditions, {type, "True", std::string(kNewAvailable), about(input, "has successfully progressed.")},
        input.now);
  } else if (hasProgressed(input.deployment.status().tree(), status)) {
    refreshProgressing(conditions, about(input, "is progressing."), input.now);
  } else if (const auto deadline = deadlineOf(input.deployment, conditions); deadline && *deadline <= input.now) {
    set(conditions, {type, "False", std::string(kTimedOut), about(input, "has timed out progressing.")}, input.now);
  }
}

void noteProgress(json::Array& conditions, const StatusInput& input) {
  if (!hasDeadline(input.deployment)) return;
  const std::string type(kProgressing);
  if (!input.note.reason.empty()) {
    set(conditions, {type, input.note.failed ? "False" : "True", input.note.reason, input.note.message}, input.now);
  }
  const auto reason = meta::conditionField(conditions, kProgressing, "reason");
  if (reason == kTimedOut) return;
  if (input.deployment.spec().paused() && reason != "DeploymentPaused") {
    set(conditions, {type, "Unknown", "DeploymentPaused", "Deployment is paused"}, input.now);
  } else if (!input.deployment.spec().paused() && reason == "DeploymentPaused") {
    set(conditions, {type, "Unknown", "DeploymentResumed", "Deployment is resumed"}, input.now);
  }
}

// The trouble of a ReplicaSet is the Deployment's; the current one's first.
void copyReplicaFailure(json::Array& conditions, const Generations& generations, base::WallTime now) {
  auto all = generations.all();
  std::reverse(all.begin(), all.end());
  for (const auto& replicaSet : all) {
    for (const auto condition : replicaSet.status().conditions()) {
      if (condition.type() != "ReplicaFailure") continue;
      return set(conditions,
                 {"ReplicaFailure", std::string(condition.status()), std::string(condition.reason()),
                  std::string(condition.message())},
                 now);
    }
  }
  meta::removeCondition(conditions, "ReplicaFailure");
}

}  // namespace

bool isComplete(const Deployment& deployment, const json::Object& status) {
  const int64_t desired = desiredReplicas(deployment);
  return json::getInt(status, "updatedReplicas") == desired && json::getInt(status, "replicas") == desired &&
         json::getInt(status, "availableReplicas") == desired &&
         json::getInt(status, "observedGeneration") >= deployment.metadata().generation();
}

std::optional<base::WallTime> progressDeadline(const Deployment& deployment, const json::Object& status) {
  if (!hasDeadline(deployment) || deployment.spec().paused() || isComplete(deployment, status)) return std::nullopt;
  return deadlineOf(deployment, conditionsOf(status));
}

json::Object decideDeploymentStatus(const StatusInput& input) {
  json::Object status = input.deployment.status().tree();
  writeCounts(status, input.deployment, input.generations);
  if (input.collisionCount) status["collisionCount"] = *input.collisionCount;
  json::Array conditions = conditionsOf(status);
  setAvailable(conditions, status, input.deployment, input.now);
  noteProgress(conditions, input);
  if (input.progress == StatusInput::Progress::kJudged) judgeProgress(conditions, input, status);
  copyReplicaFailure(conditions, input.generations, input.now);
  status["conditions"] = std::move(conditions);
  return status;
}

}  // namespace wherry::controllers
