// What a Deployment's status says: counts, and the conditions Available, Progressing and ReplicaFailure that
// `kubectl rollout status` and `wait` go by. Pure.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "controllers/deployment_revision.h"
#include "json/value.h"

namespace wherry::controllers {

// What the last reconcile wants to have said, beside what the counts tell.
struct ProgressNote {
  std::string reason;  // "NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetCreateError"; "" for none
  std::string message;
  bool failed = false;
};

struct StatusInput {
  const apps_v1::Deployment& deployment;
  const Generations& generations;
  base::WallTime now;
  // Progress is only judged while the rollout goes on, not while it is paused or being scaled.
  enum class Progress { kJudged, kLeftAlone } progress = Progress::kJudged;
  std::optional<int64_t> collisionCount = {};
  ProgressNote note = {};
};

json::Object decideDeploymentStatus(const StatusInput& input);

// All pods are of the current template, available, and as many as wanted.
bool isComplete(const apps_v1::Deployment& deployment, const json::Object& status);

// When the rollout will have made no progress for spec.progressDeadlineSeconds; nothing when it is complete, has failed
// already or has no deadline.
std::optional<base::WallTime> progressDeadline(const apps_v1::Deployment& deployment, const json::Object& status);

}  // namespace wherry::controllers
