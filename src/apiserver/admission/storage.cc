// PersistentVolumes and their claims.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/limit_range.h"
#include "apiserver/admission/pod_resources.h"
#include "base/strings.h"
#include "meta/names.h"
#include "meta/persistent_volumes.h"

namespace wherry::apiserver {
namespace {

using json::getString;

const std::vector<std::string> kAccessModes = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"};
constexpr const char* kDefaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";

void checkAccessModes(const json::Value& object, meta::FieldErrors& errors) {
  const json::Array& modes = arrayAt(object, "spec.accessModes");
  if (modes.empty()) errors.push_back(meta::requiredField("spec.accessModes", "at least 1 access mode is required"));
  bool alone = false;
  for (const json::Value& mode : modes) {
    alone |= textOf(mode) == "ReadWriteOncePod";
    if (std::find(kAccessModes.begin(), kAccessModes.end(), textOf(mode)) == kAccessModes.end()) {
      errors.push_back(meta::notSupportedField("spec.accessModes", mode, kAccessModes));
    }
  }
  if (alone && modes.size() > 1) {
    errors.push_back(meta::forbiddenField("spec.accessModes", "may not use ReadWriteOncePod with other access modes"));
  }
}

// `list`: "spec.resources.requests" or "spec.capacity".
void checkStorage(const json::Object& list, const std::string& field, meta::FieldErrors& errors) {
  const json::Value* storage = list.if_contains("storage");
  if (!storage) return errors.push_back(meta::requiredField(field));
  auto quantity = meta::Quantity::parse(textOf(*storage));
  if (quantity && (quantity->negative() || quantity->zero())) {
    errors.push_back(meta::invalidField(field, *storage, "must be greater than zero"));
  }
}

void checkClassName(const json::Value& object, meta::FieldErrors& errors) {
  std::string_view name = getString(object, "spec.storageClassName");
  if (!name.empty()) {
    addInvalid("spec.storageClassName", json::Value(name), meta::checkDns1123Subdomain(name), errors);
  }
}

// -- claims ---------------------------------------------------------------------------------------------------------

// The newest of the classes that are marked as default.
meta::ObjectPtr findDefaultStorageClass(const ObjectReader& objects) {
  meta::ObjectPtr found;
  for (const meta::ObjectPtr& candidate : objects.list({"storage.k8s.io", "storageclasses"}, "")) {
    if (candidate->metadata().annotation(kDefaultClassAnnotation) != "true") continue;
    bool newer = !found || candidate->metadata().creationTimestamp() > found->metadata().creationTimestamp();
    if (newer) found = candidate;
  }
  return found;
}

// What of a claim must stay: everything but the size, the volume it gets, and a class that it did not have.
json::Object withoutMutable(const json::Value& claim, const json::Value& old) {
  json::Object spec = objectAt(claim, "spec");
  if (json::Value* resources = spec.if_contains("resources"); resources && resources->is_object()) {
    resources->get_object().erase("requests");
  }
  spec.erase("volumeAttributesClassName");
  if (getString(old, "spec.volumeName").empty()) spec.erase("volumeName");
  if (!json::find(old, "spec.storageClassName")) spec.erase("storageClassName");
  return spec;
}

void checkClaimUpdate(const json::Value& claim, const json::Value& old, meta::FieldErrors& errors) {
  auto before = readResources(objectAt(old, "spec.resources.requests"));
  auto after = readResources(objectAt(claim, "spec.resources.requests"));
  bool bound = getString(old, "status.phase") == "Bound";
  bool same = json::equal(withoutMutable(claim, old), withoutMutable(old, old)) && (bound || before == after);
  if (!same) {
    errors.push_back(meta::forbiddenField("spec",
                                          "spec is immutable after creation except resources.requests and "
                                          "volumeAttributesClassName for bound claims"));
  } else if (after["storage"] < before["storage"] &&
             after["storage"] <= readResources(objectAt(old, "status.capacity"))["storage"]) {
    // Less than before, but more than there is, takes back a growth that failed (KEP-1790).
    errors.push_back(
        meta::forbiddenField("spec.resources.requests.storage", "field can not be less than status.capacity"));
  }
}

// As upstream's plugin PersistentVolumeClaimResize.
void refuseGrowth(const AdmissionRequest& request) {
  auto before = readResources(objectAt(*request.old, "spec.resources.requests"));
  auto after = readResources(objectAt(request.object, "spec.resources.requests"));
  if (!(before["storage"] < after["storage"])) return;
  auto storageClass = request.objects.find({"storage.k8s.io", "storageclasses"}, "",
                                           getString(request.object, "spec.storageClassName"));
  if (storageClass && json::getBool(storageClass->tree(), "allowVolumeExpansion")) return;
  throw meta::forbidden({"", "persistentvolumeclaims"}, request.name,
                        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc "
                        "must support resize");
}

void refuseBeyondLimits(const AdmissionRequest& request) {
  for (const meta::ObjectPtr& limitRange : request.objects.list({"", "limitranges"}, request.ns)) {
    auto broken = checkClaimLimits(limitRange->tree(), objectAt(request.object, "spec"));
    if (!broken.empty()) {
      throw meta::forbidden({"", "persistentvolumeclaims"}, request.name, base::join(broken, ", "));
    }
  }
}

// Not deleted while it is in use; the controller takes the finalizer away.
void protect(AdmissionRequest& request, std::string_view finalizer) {
  json::Value& list = ensurePath(request.object.as_object(), {"metadata"})["finalizers"];
  if (!list.is_array()) list = json::Array();
  json::Array& finalizers = list.get_array();
  bool has =
      std::any_of(finalizers.begin(), finalizers.end(), [&](const auto& one) { return textOf(one) == finalizer; });
  if (!has) {
    finalizers.emplace_back(finalizer);
  }
}

// -- volumes --------------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 9> kNotSources = {
    "accessModes",  "capacity",         "claimRef",
    "mountOptions", "nodeAffinity",     "persistentVolumeReclaimPolicy",
    "volumeMode",   "storageClassName", "volumeAttributesClassName"};

std::vector<std::string> sourcesOf(const json::Value& volume) {
  std::vector<std::string> sources;
  for (const auto& [key, value] : objectAt(volume, "spec")) {
    if (std::find(kNotSources.begin(), kNotSources.end(), key) == kNotSources.end()) sources.emplace_back(key);
  }
  return sources;
}

}  // namespace

void preparePersistentVolume(AdmissionRequest& request) {
  if (creates(request)) protect(request, meta::kVolumeProtection);
}

void preparePersistentVolumeClaim(AdmissionRequest& request) {
  if (!creates(request)) return;
  protect(request, meta::kClaimProtection);
  json::Object& spec = json::ensureObject(request.object.as_object(), "spec");
  if (!spec.contains("storageClassName")) {
    if (auto found = findDefaultStorageClass(request.objects)) spec["storageClassName"] = found->metadata().name();
  }
}

void validatePersistentVolumeClaim(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkAccessModes(request.object, errors);
  checkStorage(objectAt(request.object, "spec.resources.requests"), "spec.resources[storage]", errors);
  checkClassName(request.object, errors);
  if (request.old) checkClaimUpdate(request.object, *request.old, errors);
  if (!errors.empty()) return;
  if (request.old) refuseGrowth(request);
  refuseBeyondLimits(request);
}

void validatePersistentVolume(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkAccessModes(request.object, errors);
  checkStorage(objectAt(request.object, "spec.capacity"), "spec.capacity[storage]", errors);
  checkClassName(request.object, errors);
  auto sources = sourcesOf(request.object);
  if (sources.empty()) errors.push_back(meta::requiredField("spec", "must specify a volume type"));
  for (size_t i = 1; i < sources.size(); ++i) {
    errors.push_back(meta::forbiddenField("spec." + sources[i], "may not specify more than 1 volume type"));
  }
  if (!request.old) return;
  for (const std::string& source : sourcesOf(*request.old)) {
    if (sameAt(request.object, *request.old, "spec." + source)) continue;
    errors.push_back(
        meta::forbiddenField("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation"));
  }
}

void validateStorageClass(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  std::string_view provisioner = getString(request.object, "provisioner");
  if (provisioner.empty()) return;  // said by the schema
  addInvalid("provisioner", json::Value(provisioner), meta::checkQualifiedName(base::toLower(provisioner)), errors);
}

}  // namespace wherry::apiserver
