#include <algorithm>

#include <fmt/format.h>

#include "controllers/persistent_volume.h"
#include "meta/node_selector.h"
#include "meta/persistent_volumes.h"
#include "meta/quantity.h"
#include "meta/selector.h"

namespace wherry::controllers {

using core_v1::Node;
using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;
using storage_v1::StorageClass;

namespace {

meta::Quantity sizeAt(const json::Value& object, std::string_view path) {
  return meta::Quantity::parse(json::getString(object, path)).value_or(meta::Quantity());
}
meta::Quantity wantedSize(const PersistentVolumeClaim& claim) {
  return sizeAt(claim.object()->tree(), "spec.resources.requests.storage");
}
meta::Quantity sizeOf(const PersistentVolume& volume) {
  return sizeAt(volume.object()->tree(), "spec.capacity.storage");
}

// Kept for this claim, of this uid or of whichever comes under the name.
bool isKeptFor(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto reference = volume.spec().claimRef();
  return reference && reference.name() == claim.metadata().name() && reference.namespace_() == claim.metadata().ns() &&
         (reference.uid().empty() || reference.uid() == claim.metadata().uid());
}

template <typename List>
bool has(const List& list, std::string_view wanted) {
  for (const std::string_view one : list) {
    if (one == wanted) return true;
  }
  return false;
}

std::string_view modeOf(std::string_view volumeMode) { return volumeMode.empty() ? "Filesystem" : volumeMode; }

json::Object claimReference(const PersistentVolumeClaim& claim) {
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"namespace", claim.metadata().ns()},
          {"name", claim.metadata().name()},
          {"uid", claim.metadata().uid()}};
}

json::Object onNode(const Node& node) {
  const auto hostname = node.metadata().label("kubernetes.io/hostname");
  json::Object requirement{{"key", "kubernetes.io/hostname"}, {"operator", "In"}, {"values", json::Array{hostname}}};
  if (hostname.empty()) {
    requirement = {{"key", "metadata.name"}, {"operator", "In"}, {"values", json::Array{node.metadata().name()}}};
  }
  const char* by = hostname.empty() ? "matchFields" : "matchExpressions";
  json::Object term{{by, json::Array{std::move(requirement)}}};
  return {{"required", json::Object{{"nodeSelectorTerms", json::Array{std::move(term)}}}}};
}

}  // namespace

bool fits(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto have = volume.spec();
  const auto want = claim.spec();
  if (volume.metadata().deleting() || (have.claimRef() && !isKeptFor(volume, claim))) return false;
  if (volume.status().phase() == "Released" || volume.status().phase() == "Failed") return false;
  if (have.storageClassName() != want.storageClassName() || sizeOf(volume) < wantedSize(claim)) return false;
  if (modeOf(have.volumeMode()) != modeOf(want.volumeMode())) return false;
  for (const auto mode : want.accessModes()) {
    if (!has(have.accessModes(), mode)) return false;
  }
  const auto* selector = json::find(claim.object()->tree(), "spec.selector");
  return !selector || meta::LabelSelector::fromObject(selector).matches(volume.metadata().labels());
}

PersistentVolume chooseVolume(const PersistentVolumeClaim& claim, const std::vector<PersistentVolume>& volumes,
                              const Node* node) {
  PersistentVolume best;
  for (const auto& volume : volumes) {
    if (!fits(volume, claim) || (node && !reaches(volume, *node))) continue;
    if (isKeptFor(volume, claim)) return volume;
    const bool better =
        !best || std::pair(sizeOf(volume), volume.metadata().name()) < std::pair(sizeOf(best), best.metadata().name());
    if (better) best = volume;
  }
  return best;
}

bool reaches(const PersistentVolume& volume, const Node& node) {
  const auto required = volume.spec().nodeAffinity().required();
  return !required || meta::matchesNodeSelector(required.tree(), node.metadata());
}

Waiting decideWaiting(const PersistentVolumeClaim& claim, const StorageClass& storageClass) {
  if (!storageClass && claim.spec().storageClassName().empty()) {
    return {"FailedBinding", "no persistent volumes available for this claim and no storage class is set"};
  }
  if (!storageClass) {
    return {"ProvisioningFailed",
            fmt::format("storageclass.storage.k8s.io \"{}\" not found", claim.spec().storageClassName())};
  }
  if (storageClass.volumeBindingMode() == "WaitForFirstConsumer" &&
      claim.metadata().annotation(meta::kSelectedNode).empty()) {
    return {"WaitForFirstConsumer", "waiting for first consumer to be created before binding"};
  }
  const auto provisioner = storageClass.provisioner();
  if (provisioner == "kubernetes.io/no-provisioner") {
    return {"FailedBinding", "no persistent volumes available for this claim and its class does not provision any"};
  }
  if (provisioner != meta::kLocalProvisioner) {
    return {"ExternalProvisioning",
            fmt::format("Waiting for a volume to be created either by the external provisioner '{}' or manually by the "
                        "system administrator. If volume creation is delayed, please verify that the provisioner is "
                        "running and correctly registered.",
                        provisioner)};
  }
  if (modeOf(claim.spec().volumeMode()) != "Filesystem") {
    return {"ProvisioningFailed", "the provisioner makes directories: volumeMode must be Filesystem"};
  }
  if (json::find(claim.object()->tree(), "spec.selector")) {
    return {"ProvisioningFailed", "claim.Spec.Selector is not supported for dynamic provisioning"};
  }
  return {};
}

json::Value localVolume(const PersistentVolumeClaim& claim, const StorageClass& storageClass, const Node& node,
                        std::string_view directory) {
  const auto metadata = claim.metadata();
  const std::string name = fmt::format("pvc-{}", metadata.uid());
  const auto policy = storageClass.reclaimPolicy();
  const std::string path = fmt::format("{}/{}_{}_{}", directory, name, metadata.ns(), metadata.name());
  json::Object spec{{"accessModes", *json::find(claim.object()->tree(), "spec.accessModes")},
                    {"capacity", json::Object{{"storage", wantedSize(claim).text()}}},
                    {"claimRef", claimReference(claim)},
                    {"hostPath", json::Object{{"path", path}, {"type", "DirectoryOrCreate"}}},
                    {"nodeAffinity", onNode(node)},
                    {"persistentVolumeReclaimPolicy", policy.empty() ? "Delete" : policy},
                    {"storageClassName", storageClass.metadata().name()},
                    {"volumeMode", "Filesystem"}};
  return json::Object{
      {"apiVersion", "v1"},
      {"kind", "PersistentVolume"},
      {"metadata", json::Object{{"name", name},
                                {"annotations", json::Object{{meta::kProvisionedBy, meta::kLocalProvisioner}}},
                                {"finalizers", json::Array{meta::kLocalProvisioner}}}},
      {"spec", std::move(spec)}};
}

std::string decideVolumePhase(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto reference = volume.spec().claimRef();
  if (!reference || reference.uid().empty()) return "Available";
  if (!claim) return "Released";
  return claim.spec().volumeName() == volume.metadata().name() ? "Bound" : "Available";
}

bool takesCapacity(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
  const bool ours = volume.metadata().annotation(meta::kProvisionedBy) == meta::kLocalProvisioner;
  return ours || claim.status().phase() != "Bound";
}

json::Object boundStatus(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
  const auto& tree = volume.object()->tree();
  json::Object out{{"phase", "Bound"}, {"accessModes", *json::find(tree, "spec.accessModes")}};
  if (!takesCapacity(claim, volume)) return out;
  const auto before = sizeAt(claim.object()->tree(), "status.capacity.storage");
  out["capacity"] = *json::find(tree, "spec.capacity");
  // What the resize controller leaves when it has had its way (KEP-1790).
  if (!before.zero() && before < sizeOf(volume)) out["allocatedResources"] = out["capacity"];
  return out;
}

bool awaitsExpansion(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
  if (!volume.spec().hasCsi() || claim.status().phase() != "Bound") return false;
  for (const auto condition : claim.status().conditions()) {
    if (condition.type() == "Resizing" || condition.type() == "FileSystemResizePending") return false;
  }
  return sizeOf(volume) < wantedSize(claim);
}

std::optional<std::string> decideGrowth(const PersistentVolumeClaim& claim, const PersistentVolume& volume) {
  if (volume.metadata().annotation(meta::kProvisionedBy) != meta::kLocalProvisioner) return std::nullopt;
  const auto wanted = wantedSize(claim);
  if (!(sizeOf(volume) < wanted)) return std::nullopt;
  return wanted.text();
}

}  // namespace wherry::controllers
