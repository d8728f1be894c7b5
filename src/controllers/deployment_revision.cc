#include "controllers/deployment_revision.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "controllers/deployment_rollout.h"
#include "controllers/name_hash.h"

namespace wherry::controllers {

namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;
using core_v1::PodTemplateSpec;

// Annotations of a Deployment that don't concern its ReplicaSets.
constexpr std::array<std::string_view, 5> kOwnAnnotations{"kubectl.kubernetes.io/last-applied-configuration", kRevision,
                                                          kRevisionHistory, kDesiredReplicas, kMaxReplicas};

json::Value withoutHash(const PodTemplateSpec& podTemplate) {
  json::Value copy = podTemplate.tree();
  auto* metadata = copy.as_object().if_contains("metadata");
  auto* labels = metadata && metadata->is_object() ? metadata->get_object().if_contains("labels") : nullptr;
  if (labels && labels->is_object()) labels->get_object().erase(kPodTemplateHash);
  return copy;
}

bool isOlder(const ReplicaSet& a, const ReplicaSet& b) {
  const auto left = a.metadata(), right = b.metadata();
  return std::pair(left.creationTimestamp(), left.name()) < std::pair(right.creationTimestamp(), right.name());
}

std::string_view textOf(const json::Object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

json::Object withHash(json::Object labels, std::string_view hash) {
  labels[kPodTemplateHash] = hash;
  return labels;
}

json::Value templateWithHash(const PodTemplateSpec& podTemplate, std::string_view hash) {
  json::Value copy = podTemplate.tree();
  json::ensureObject(meta::mutableMetadata(copy), "labels")[kPodTemplateHash] = hash;
  return copy;
}

json::Value selectorWithHash(const Deployment& deployment, std::string_view hash) {
  json::Value copy = deployment.spec().selector().tree();
  json::ensureObject(copy.as_object(), "matchLabels")[kPodTemplateHash] = hash;
  return copy;
}

}  // namespace

bool sameTemplate(const PodTemplateSpec& a, const PodTemplateSpec& b) {
  return json::equal(withoutHash(a), withoutHash(b));
}

std::string podTemplateHash(const PodTemplateSpec& podTemplate, std::optional<int64_t> collisionCount) {
  std::string text = json::serialize(withoutHash(podTemplate));
  if (collisionCount) text += '#' + std::to_string(*collisionCount);
  return nameHash(text);
}

std::vector<ReplicaSet> Generations::all() const {
  std::vector<ReplicaSet> everything = old;
  if (current) everything.push_back(*current);
  return everything;
}

Generations sortGenerations(const Deployment& deployment, std::vector<ReplicaSet> replicaSets) {
  std::sort(replicaSets.begin(), replicaSets.end(), isOlder);
  Generations generations;
  for (auto& replicaSet : replicaSets) {
    if (!generations.current && sameTemplate(replicaSet.spec().template_(), deployment.spec().template_())) {
      generations.current = std::move(replicaSet);
    } else {
      generations.old.push_back(std::move(replicaSet));
    }
  }
  return generations;
}

int64_t revisionOf(const meta::Metadata& metadata) {
  return base::parseInt<int64_t>(metadata.annotation(kRevision)).value_or(0);
}

int64_t nextRevision(const std::vector<ReplicaSet>& old) {
  int64_t highest = 0;
  for (const auto& replicaSet : old) highest = std::max(highest, revisionOf(replicaSet.metadata()));
  return highest + 1;
}

json::Object decideAnnotations(const Deployment& deployment, const json::Object& current, int64_t revision) {
  json::Object annotations = current;
  for (const auto& annotation : deployment.metadata().annotations()) {
    const auto own = std::find(kOwnAnnotations.begin(), kOwnAnnotations.end(), annotation.key());
    if (own == kOwnAnnotations.end()) annotations[annotation.key()] = annotation.value();
  }
  const std::string before(textOf(current, kRevision));
  const int64_t had = base::parseInt<int64_t>(before).value_or(0);
  if (had >= revision) return annotations;
  annotations[kRevision] = std::to_string(revision);
  if (had > 0) {
    const std::string history(textOf(current, kRevisionHistory));
    annotations[kRevisionHistory] = history.empty() ? before : history + "," + before;
  }
  return annotations;
}

json::Value newReplicaSet(const Deployment& deployment, std::string_view hash, int64_t revision, int64_t replicas) {
  const auto metadata = deployment.metadata();
  const auto spec = deployment.spec();
  json::Object annotations = decideAnnotations(deployment, {}, revision);
  annotations[kDesiredReplicas] = std::to_string(desiredReplicas(deployment));
  annotations[kMaxReplicas] = std::to_string(desiredReplicas(deployment) + maxSurge(deployment));
  json::Object replicaSetSpec{{"replicas", replicas},
                              {"selector", selectorWithHash(deployment, hash)},
                              {"template", templateWithHash(spec.template_(), hash)}};
  if (spec.minReadySeconds() > 0) replicaSetSpec["minReadySeconds"] = spec.minReadySeconds();
  return json::Object{
      {"apiVersion", "apps/v1"},
      {"kind", "ReplicaSet"},
      {"metadata", json::Object{{"name", std::string(metadata.name()) + "-" + std::string(hash)},
                                {"namespace", metadata.ns()},
                                {"labels", withHash(spec.template_().metadata().labels().tree(), hash)},
                                {"annotations", std::move(annotations)},
                                {"ownerReferences", json::Array{meta::controllerReference(*deployment.object())}}}},
      {"spec", std::move(replicaSetSpec)}};
}

std::vector<ReplicaSet> decideCleanup(const Deployment& deployment, const std::vector<ReplicaSet>& old) {
  constexpr int64_t kDefaultLimit = 10;
  const auto limit = static_cast<size_t>(deployment.spec().revisionHistoryLimitOr(kDefaultLimit));
  std::vector<ReplicaSet> history;
  for (const auto& replicaSet : old) {
    if (!replicaSet.metadata().deleting()) history.push_back(replicaSet);
  }
  if (history.size() <= limit) return {};
  std::stable_sort(history.begin(), history.end(), [](const ReplicaSet& a, const ReplicaSet& b) {
    return revisionOf(a.metadata()) < revisionOf(b.metadata());
  });
  history.resize(history.size() - limit);
  std::erase_if(history, [](const ReplicaSet& replicaSet) {
    const bool observed = replicaSet.status().observedGeneration() >= replicaSet.metadata().generation();
    return replicaSet.spec().replicasOr(1) != 0 || replicaSet.status().replicas() != 0 || !observed;
  });
  return history;
}

}  // namespace wherry::controllers
