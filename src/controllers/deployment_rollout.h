// How many pods each ReplicaSet of a Deployment should have next: rolling update, Recreate, and proportional scaling of
// a rollout that is under way or paused. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/deployment_revision.h"
#include "views/apps_v1.h"

namespace wherry::controllers {

int64_t desiredReplicas(const apps_v1::Deployment& deployment);  // spec.replicas
int64_t maxSurge(const apps_v1::Deployment& deployment);         // in pods, percentages rounded up; 0 for Recreate
// In pods, percentages rounded down; never 0 together with maxSurge; 0 for Recreate.
int64_t maxUnavailable(const apps_v1::Deployment& deployment);
bool isRolling(const apps_v1::Deployment& deployment);  // else Recreate

// What spec.replicas of a ReplicaSet becomes. It may be what it is already: then only its annotations are out of date.
struct ScaleAction {
  apps_v1::ReplicaSet replicaSet;
  int64_t replicas;
};

// How many pods a current ReplicaSet that is about to be made starts with.
int64_t initialReplicas(const apps_v1::Deployment& deployment, const std::vector<apps_v1::ReplicaSet>& old);

// The next step of a rolling update: the new ReplicaSet up as far as maxSurge allows, else the old ones down as far as
// maxUnavailable allows. Empty when nothing can be done now. REQUIRES: generations.current.
std::vector<ScaleAction> decideRollingUpdate(const apps_v1::Deployment& deployment, const Generations& generations);

// Recreate: first all old ones to nothing; when their pods are gone, the new one up (REQUIRES: generations.current).
std::vector<ScaleAction> decideScaleDownForRecreate(const Generations& generations);
std::vector<ScaleAction> decideScaleUpForRecreate(const apps_v1::Deployment& deployment,
                                                  const Generations& generations);

// Whether spec.replicas was changed since the active ReplicaSets were last scaled.
bool isScaling(const apps_v1::Deployment& deployment, const Generations& generations);
// Spreads a change of spec.replicas over the active ReplicaSets in proportion to their size.
std::vector<ScaleAction> decideScaling(const apps_v1::Deployment& deployment, const Generations& generations);

}  // namespace wherry::controllers
