// Revisions of a Deployment: which ReplicaSet carries the current template, which ones are history, and the annotations
// by which `kubectl rollout history` and `undo` find them. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"
#include "views/apps_v1.h"

namespace wherry::controllers {

inline constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
inline constexpr std::string_view kRevisionHistory = "deployment.kubernetes.io/revision-history";
inline constexpr std::string_view kDesiredReplicas = "deployment.kubernetes.io/desired-replicas";
inline constexpr std::string_view kMaxReplicas = "deployment.kubernetes.io/max-replicas";
inline constexpr std::string_view kPodTemplateHash = "pod-template-hash";

// Equal but for the label pod-template-hash.
bool sameTemplate(const core_v1::PodTemplateSpec& a, const core_v1::PodTemplateSpec& b);

// What goes into the new ReplicaSet's name and label. `collisionCount` makes another name when one is taken.
std::string podTemplateHash(const core_v1::PodTemplateSpec& podTemplate, std::optional<int64_t> collisionCount);

// All ReplicaSets of a Deployment, oldest first.
struct Generations {
  std::optional<apps_v1::ReplicaSet> current;  // the (oldest) one with the Deployment's template
  std::vector<apps_v1::ReplicaSet> old;

  std::vector<apps_v1::ReplicaSet> all() const;
};
Generations sortGenerations(const apps_v1::Deployment& deployment, std::vector<apps_v1::ReplicaSet> replicaSets);

int64_t revisionOf(const meta::Metadata& metadata);  // 0 when it has none
// The revision that the current template has or gets: one more than the highest in history.
int64_t nextRevision(const std::vector<apps_v1::ReplicaSet>& old);

// The annotations that the current ReplicaSet should have; the Deployment's own, but for those that are about the
// Deployment itself, and its revision with the ones it had before.
json::Object decideAnnotations(const apps_v1::Deployment& deployment, const json::Object& current, int64_t revision);

json::Value newReplicaSet(const apps_v1::Deployment& deployment, std::string_view hash, int64_t revision,
                          int64_t replicas);

// Old ReplicaSets beyond spec.revisionHistoryLimit that have no pods any more.
std::vector<apps_v1::ReplicaSet> decideCleanup(const apps_v1::Deployment& deployment,
                                               const std::vector<apps_v1::ReplicaSet>& old);

}  // namespace wherry::controllers
