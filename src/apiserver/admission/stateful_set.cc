// StatefulSets: their pods have names and storage of their own, so that most of the spec stays as it was made.
#include <algorithm>
#include <array>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::array kMutable = {"replicas",
                                 "ordinals",
                                 "template",
                                 "updateStrategy",
                                 "minReadySeconds",
                                 "revisionHistoryLimit",
                                 "persistentVolumeClaimRetentionPolicy"};

json::Object withoutMutable(const json::Value& object) {
  json::Object spec = objectAt(object, "spec");
  for (const char* field : kMutable) spec.erase(field);
  return spec;
}

// Upstream names the whole strategy when its type is wrong.
void checkStrategy(const json::Value& object, meta::FieldErrors& errors) {
  std::string_view type = getString(object, "spec.updateStrategy.type");
  if (type == "RollingUpdate") return;
  if (type != "OnDelete") {
    errors.push_back(meta::invalidField("spec.updateStrategy", *json::find(object, "spec.updateStrategy"),
                                        "must be 'RollingUpdate' or 'OnDelete'"));
  } else if (const json::Value* rolling = json::find(object, "spec.updateStrategy.rollingUpdate")) {
    errors.push_back(meta::invalidField("spec.updateStrategy.rollingUpdate", *rolling,
                                        "only allowed for updateStrategy 'RollingUpdate'"));
  }
}

void checkRetention(const json::Value& object, meta::FieldErrors& errors) {
  for (const char* field : {"whenDeleted", "whenScaled"}) {
    std::string path = std::string("spec.persistentVolumeClaimRetentionPolicy.") + field;
    std::string_view policy = getString(object, path, "Retain");
    if (policy == "Retain" || policy == "Delete") continue;
    errors.push_back(meta::notSupportedField(path, json::Value(policy), {"Delete", "Retain"}));
  }
}

// A claim template is a volume of every pod.
json::Value withClaimsAsVolumes(json::Value object) {
  const json::Array claims = arrayAt(object, "spec.volumeClaimTemplates");
  json::Value* podTemplate =
      claims.empty() ? nullptr : ensurePath(object.as_object(), {"spec"}).if_contains("template");
  if (!podTemplate || !podTemplate->is_object()) return object;
  json::Value& volumes = json::ensureObject(podTemplate->get_object(), "spec")["volumes"];
  json::Array merged;
  const auto isClaim = [&](const json::Value& volume) {
    return std::any_of(claims.begin(), claims.end(), [&](const json::Value& claim) {
      return getString(claim, "metadata.name") == getString(volume, "name");
    });
  };
  if (volumes.is_array()) {
    for (const json::Value& volume : volumes.get_array()) {
      if (!isClaim(volume)) merged.push_back(volume);
    }
  }
  for (const json::Value& claim : claims) {
    merged.push_back(json::Object{{"name", getString(claim, "metadata.name")}, {"emptyDir", json::Object()}});
  }
  volumes = std::move(merged);
  return object;
}

}  // namespace

void prepareStatefulSet(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  prepareTemplated(request);
  json::Object& strategy = ensurePath(request.object.as_object(), {"spec", "updateStrategy"});
  if (getString(strategy, "type", "").empty()) strategy["type"] = "RollingUpdate";
  if (getString(strategy, "type") == "RollingUpdate") {
    setDefault(json::ensureObject(strategy, "rollingUpdate"), "partition", 0);
  }
}

void validateStatefulSet(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkStrategy(request.object, errors);
  checkRetention(request.object, errors);
  validateSelected(withClaimsAsVolumes(request.object), errors);
  if (!request.old || json::equal(withoutMutable(request.object), withoutMutable(*request.old))) return;
  errors.push_back(meta::forbiddenField("spec",
                                        "updates to statefulset spec for fields other than 'replicas', 'ordinals', "
                                        "'template', 'updateStrategy', 'revisionHistoryLimit', "
                                        "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
}

}  // namespace wherry::apiserver
