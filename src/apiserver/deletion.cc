#include "apiserver/deletion.h"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>

#include "apiserver/object_meta.h"
#include "meta/object.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

constexpr int64_t kDefaultPodGraceSeconds = 30;
constexpr std::string_view kCustomResourceCleanup = "customresourcecleanup.apiextensions.k8s.io";

bool isResource(const schema::Kind& kind, std::string_view group, std::string_view resource) {
  return kind.resource.group == group && kind.resource.resource == resource;
}

bool deleting(const json::Value& object) { return !json::getString(object, "metadata.deletionTimestamp").empty(); }

bool hasFinalizers(const json::Value& object) {
  const auto* list = json::find(object, "metadata.finalizers");
  return list && list->is_array() && !list->get_array().empty();
}

void setFinalizer(json::Value& object, std::string_view name, bool wanted) {
  auto& list = json::ensureArray(requireMetadata(object), "finalizers");
  auto found = std::find(list.begin(), list.end(), json::Value(name));
  if (wanted && found == list.end()) list.emplace_back(name);
  if (!wanted && found != list.end()) list.erase(found);
  if (list.empty()) requireMetadata(object).erase("finalizers");
}

void applyPropagation(json::Value& object, const std::optional<client::Propagation>& propagation) {
  if (!propagation) return;
  setFinalizer(object, "orphan", *propagation == client::Propagation::kOrphan);
  setFinalizer(object, "foregroundDeletion", *propagation == client::Propagation::kForeground);
}

void bumpGeneration(json::Value& object) {
  auto generation = json::getInt(object, "metadata.generation");
  if (generation > 0) requireMetadata(object)["generation"] = generation + 1;
}

void setDeletion(json::Value& object, base::WallTime time, int64_t graceSeconds) {
  auto& metadata = requireMetadata(object);
  metadata["deletionTimestamp"] = meta::formatTime(time);
  metadata["deletionGracePeriodSeconds"] = graceSeconds;
}

DeletionPlan markOrRemove(json::Value object, int64_t graceSeconds) {
  bool stays = graceSeconds > 0 || hasFinalizers(object);
  return {stays ? DeletionStep::kMark : DeletionStep::kRemove, std::move(object)};
}

// A pod that no kubelet looks after, or that has ended, needs no time to end.
int64_t podGraceSeconds(const json::Value& pod, const client::DeleteOptions& options) {
  auto phase = json::getString(pod, "status.phase");
  if (json::getString(pod, "spec.nodeName").empty() || phase == "Failed" || phase == "Succeeded") return 0;
  auto seconds = options.gracePeriodSeconds.value_or(
      json::getInt(pod, "spec.terminationGracePeriodSeconds", kDefaultPodGraceSeconds));
  return seconds < 0 ? 1 : seconds;
}

// A grace period that runs may only be made shorter.
DeletionPlan shortenGrace(json::Value pod, const client::DeleteOptions& options) {
  auto before = json::getInt(pod, "metadata.deletionGracePeriodSeconds");
  if (!options.gracePeriodSeconds || podGraceSeconds(pod, options) >= before)
    return {DeletionStep::kKeep, std::move(pod)};
  auto seconds = podGraceSeconds(pod, options);
  auto deadline = meta::parseTime(json::getString(pod, "metadata.deletionTimestamp")).value_or(base::WallTime{});
  setDeletion(pod, deadline - std::chrono::seconds(before) + std::chrono::seconds(seconds), seconds);
  return markOrRemove(std::move(pod), seconds);
}

DeletionPlan planPod(json::Value pod, const client::DeleteOptions& options, base::WallTime now) {
  if (deleting(pod)) return shortenGrace(std::move(pod), options);
  applyPropagation(pod, options.propagation);
  auto seconds = podGraceSeconds(pod, options);
  setDeletion(pod, now + std::chrono::seconds(seconds), seconds);
  bumpGeneration(pod);
  return markOrRemove(std::move(pod), seconds);
}

// A namespace first ends its content; its controller then clears spec.finalizers.
DeletionPlan planNamespace(json::Value object, base::WallTime now) {
  if (deleting(object)) {
    const auto* own = json::find(object, "spec.finalizers");
    bool held = (own && own->is_array() && !own->get_array().empty()) || hasFinalizers(object);
    return {held ? DeletionStep::kKeep : DeletionStep::kRemove, std::move(object)};
  }
  requireMetadata(object)["deletionTimestamp"] = meta::formatTime(now);
  json::ensureObject(object.as_object(), "status")["phase"] = "Terminating";
  return {DeletionStep::kMark, std::move(object)};
}

// Its custom resources go first.
DeletionPlan planCustomResourceDefinition(json::Value object, base::WallTime now) {
  if (deleting(object)) return {hasFinalizers(object) ? DeletionStep::kKeep : DeletionStep::kRemove, std::move(object)};
  requireMetadata(object)["deletionTimestamp"] = meta::formatTime(now);
  setFinalizer(object, kCustomResourceCleanup, true);
  return {DeletionStep::kMark, std::move(object)};
}

DeletionPlan planPlain(json::Value object, const client::DeleteOptions& options, base::WallTime now) {
  auto before = object;
  applyPropagation(object, options.propagation);
  if (!hasFinalizers(object)) return {DeletionStep::kRemove, std::move(before)};
  if (deleting(object)) {
    bool changed = !json::equal(before, object);
    return {changed ? DeletionStep::kMark : DeletionStep::kKeep, std::move(object)};
  }
  setDeletion(object, now, 0);
  bumpGeneration(object);
  return {DeletionStep::kMark, std::move(object)};
}

// Clients of the first days, who don't say what becomes of the pods of these two, rely on it that they stay.
bool orphansByDefault(const schema::Kind& kind, const json::Value& object) {
  if (!isResource(kind, "batch", "jobs") && !isResource(kind, "", "replicationcontrollers")) return false;
  const auto finalizers = meta::Metadata(object).finalizers();
  return std::find(finalizers.begin(), finalizers.end(), json::Value("foregroundDeletion")) == finalizers.end();
}

}  // namespace

DeletionPlan planDeletion(const schema::Kind& kind, const json::Value& stored, const client::DeleteOptions& options,
                          base::WallTime now) {
  if (isResource(kind, "", "pods")) return planPod(stored, options, now);
  if (isResource(kind, "", "namespaces")) return planNamespace(stored, now);
  if (isResource(kind, "apiextensions.k8s.io", "customresourcedefinitions")) {
    return planCustomResourceDefinition(stored, now);
  }
  if (options.propagation || !orphansByDefault(kind, stored)) return planPlain(stored, options, now);
  auto orphaning = options;
  orphaning.propagation = client::Propagation::kOrphan;
  return planPlain(stored, orphaning, now);
}

bool answersDeletedObject(const schema::Kind& kind) {
  static constexpr std::array<std::string_view, 7> kCore = {
      "persistentvolumeclaims", "persistentvolumes", "pods",    "podtemplates",
      "resourcequotas",         "serviceaccounts",   "services"};
  static constexpr std::array<std::string_view, 5> kStorage = {"csidrivers", "csinodes", "storageclasses",
                                                               "volumeattachments", "volumeattributesclasses"};
  auto in = [&](const auto& table) {
    return std::find(table.begin(), table.end(), kind.resource.resource) != table.end();
  };
  if (kind.resource.group.empty()) return in(kCore);
  return (kind.resource.group == "storage.k8s.io" && in(kStorage)) || kind.resource.group == "resource.k8s.io";
}

void requireDeletable(const schema::Kind& kind, std::string_view name) {
  bool immortal = name == "default" || name == "kube-system" || name == "kube-public";
  if (!immortal || !isResource(kind, "", "namespaces")) return;
  throw meta::forbidden(kind.resource.groupResource(), name, "this namespace may not be deleted");
}

void requirePreconditions(const schema::Kind& kind, const json::Value& stored, const client::DeleteOptions& options) {
  auto require = [&](std::string_view what, std::string_view key, const std::string& wanted) {
    auto actual = json::getString(stored, "metadata." + std::string(key));
    if (wanted.empty() || wanted == actual) return;
    throw meta::conflict(
        kind.resource.groupResource(), json::getString(stored, "metadata.name"),
        fmt::format("Precondition failed: {} in precondition: {}, {} in object meta: {}", what, wanted, what, actual));
  };
  require("UID", "uid", options.uid);
  require("ResourceVersion", "resourceVersion", options.resourceVersion);
}

}  // namespace wherry::apiserver
