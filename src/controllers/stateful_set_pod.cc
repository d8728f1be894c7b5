#include <algorithm>

#include <fmt/format.h>

#include "controllers/controller_revision.h"
#include "controllers/stateful_set.h"

namespace wherry::controllers {

using apps_v1::StatefulSet;
using core_v1::Pod;
using core_v1::PodTemplateSpec;

namespace {

std::string podName(const StatefulSet& set, int64_t ordinal) {
  return fmt::format("{}-{}", set.metadata().name(), ordinal);
}

json::Object identityLabels(const StatefulSet& set, int64_t ordinal) {
  return {{kPodNameLabel, podName(set, ordinal)}, {kPodIndexLabel, std::to_string(ordinal)}};
}

std::string claimName(std::string_view claimTemplate, const StatefulSet& set, int64_t ordinal) {
  return fmt::format("{}-{}-{}", claimTemplate, set.metadata().name(), ordinal);
}

json::Object metadataOf(const StatefulSet& set, const PodTemplateSpec& podTemplate, int64_t ordinal,
                        std::string_view revision) {
  json::Object metadata{{"name", podName(set, ordinal)}, {"namespace", set.metadata().ns()}};
  const auto& fromTemplate = podTemplate.metadata().tree();
  for (const auto field : {"annotations", "finalizers"}) {
    if (const auto* value = fromTemplate.if_contains(field)) metadata[field] = *value;
  }
  json::Object labels = podTemplate.metadata().labels().tree();
  for (const auto& label : identityLabels(set, ordinal)) labels[label.key()] = label.value();
  labels[kRevisionLabel] = revision;
  metadata["labels"] = std::move(labels);
  metadata["ownerReferences"] = json::Array{meta::controllerReference(*set.object())};
  return metadata;
}

// The template's volumes; those called like a claim template are that claim.
json::Array volumesOf(const StatefulSet& set, const PodTemplateSpec& podTemplate, int64_t ordinal) {
  json::Array volumes;
  const auto& claims = set.spec().volumeClaimTemplates();
  for (const auto& claim : claims) {
    const auto name = json::getString(claim, "metadata.name");
    volumes.push_back(json::Object{
        {"name", name}, {"persistentVolumeClaim", json::Object{{"claimName", claimName(name, set, ordinal)}}}});
  }
  const auto isClaim = [&](std::string_view name) {
    return std::any_of(claims.begin(), claims.end(),
                       [&](const json::Value& claim) { return json::getString(claim, "metadata.name") == name; });
  };
  for (const auto volume : podTemplate.spec().volumes()) {
    if (!isClaim(volume.name())) volumes.emplace_back(volume.tree());
  }
  return volumes;
}

json::Object ownerReference(const meta::Object& owner, std::string_view apiVersion, std::string_view kind) {
  return {
      {"apiVersion", apiVersion}, {"kind", kind}, {"name", owner.metadata().name()}, {"uid", owner.metadata().uid()}};
}

// Earlier pods of this name have other uids.
bool isOurs(const json::Value& reference, const StatefulSet& set, std::string_view pod) {
  return json::getString(reference, "uid") == set.metadata().uid() ||
         (json::getString(reference, "kind") == "Pod" && json::getString(reference, "name") == pod);
}

}  // namespace

json::Value statefulPod(const StatefulSet& set, const PodTemplateSpec& podTemplate, int64_t ordinal,
                        std::string_view revision) {
  json::Object spec = podTemplate.spec().tree();
  spec["hostname"] = podName(set, ordinal);
  if (!set.spec().serviceName().empty()) spec["subdomain"] = set.spec().serviceName();
  if (auto volumes = volumesOf(set, podTemplate, ordinal); !volumes.empty()) spec["volumes"] = std::move(volumes);
  return json::Object{{"apiVersion", "v1"},
                      {"kind", "Pod"},
                      {"metadata", metadataOf(set, podTemplate, ordinal, revision)},
                      {"spec", std::move(spec)}};
}

std::optional<json::Value> decideIdentity(const StatefulSet& set, const Pod& pod) {
  const auto ordinal = ordinalOf(set.metadata().name(), pod.metadata().name());
  if (!ordinal || pod.metadata().deleting()) return std::nullopt;
  json::Object wanted = identityLabels(set, *ordinal);
  const bool has = std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    return pod.metadata().label(label.key()) == label.value().as_string();
  });
  if (has) return std::nullopt;
  return json::Object{{"metadata", json::Object{{"uid", pod.metadata().uid()}, {"labels", std::move(wanted)}}}};
}

std::vector<json::Value> statefulClaims(const StatefulSet& set, int64_t ordinal) {
  std::vector<json::Value> claims;
  for (const auto& claimTemplate : set.spec().volumeClaimTemplates()) {
    json::Value claim = claimTemplate;
    json::Object& metadata = meta::mutableMetadata(claim);
    metadata["name"] = claimName(json::getString(claimTemplate, "metadata.name"), set, ordinal);
    metadata["namespace"] = set.metadata().ns();
    json::Object& labels = json::ensureObject(metadata, "labels");
    for (const auto& label : set.spec().selector().matchLabels().tree()) labels[label.key()] = label.value();
    json::Object& object = claim.as_object();
    object["apiVersion"] = "v1";
    object["kind"] = "PersistentVolumeClaim";
    object.erase("status");
    claims.push_back(std::move(claim));
  }
  return claims;
}

std::optional<json::Value> decideClaimOwners(const StatefulSet& set, int64_t ordinal, const meta::Object& claim,
                                             const meta::Object* pod) {
  const auto policy = set.spec().persistentVolumeClaimRetentionPolicy();
  const int64_t first = set.spec().ordinals().start();
  const bool excess = ordinal < first || ordinal >= first + set.spec().replicasOr(1);
  const bool goesWithPod = excess && policy.whenScaled() == "Delete";
  json::Array owners;
  for (const auto& reference : claim.metadata().ownerReferences()) {
    if (!isOurs(reference, set, podName(set, ordinal))) owners.push_back(reference);
  }
  if (goesWithPod && pod) owners.push_back(ownerReference(*pod, "v1", "Pod"));
  if (!goesWithPod && policy.whenDeleted() == "Delete") {
    owners.push_back(ownerReference(*set.object(), "apps/v1", "StatefulSet"));
  }
  if (json::equal(owners, claim.metadata().ownerReferences())) return std::nullopt;
  return owners;
}

}  // namespace wherry::controllers
