// Kinds that say how pods are treated: PodDisruptionBudget, PriorityClass.
#include <map>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/number_or_percent.h"

namespace wherry::apiserver {
namespace {

using json::getInt;

constexpr int64_t kHighestUserPriority = 1'000'000'000;

// The two classes that every cluster has are the only ones above, and the only ones with the reserved prefix.
bool isSystemClass(const AdmissionRequest& request) {
  static const std::map<std::string_view, int64_t> kClasses = {{"system-cluster-critical", 2'000'000'000},
                                                               {"system-node-critical", 2'000'001'000}};
  auto at = kClasses.find(request.name);
  return at != kClasses.end() && getInt(request.object, "value") == at->second;
}

void refuseSecondDefault(const AdmissionRequest& request) {
  if (!json::getBool(request.object, "globalDefault")) return;
  for (const meta::ObjectPtr& other : request.objects.list({"scheduling.k8s.io", "priorityclasses"}, "")) {
    if (!json::getBool(other->tree(), "globalDefault") || other->metadata().name() == request.name) continue;
    throw meta::forbidden({"scheduling.k8s.io", "priorityclasses"}, request.name,
                          fmt::format("PriorityClass {} is already marked as default. Only one default can exist",
                                      other->metadata().name()));
  }
}

}  // namespace

void validatePodDisruptionBudget(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Value* least = json::find(request.object, "spec.minAvailable");
  const json::Value* most = json::find(request.object, "spec.maxUnavailable");
  if (least && most) {
    errors.push_back(meta::invalidField("spec", *json::find(request.object, "spec"),
                                        "minAvailable and maxUnavailable cannot be both set"));
  }
  checkNumberOrPercent(least, "spec.minAvailable", errors);
  checkNumberOrPercent(most, "spec.maxUnavailable", errors);
}

void validatePriorityClass(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  if (!isSystemClass(request)) {
    if (request.name.starts_with("system-")) {
      errors.push_back(meta::forbiddenField(
          "metadata.name", "priority class names with 'system-' prefix are reserved for system use only"));
    }
    if (getInt(request.object, "value") > kHighestUserPriority) {
      errors.push_back(meta::forbiddenField(
          "value", fmt::format("maximum allowed value of a user defined priority is {}", kHighestUserPriority)));
    }
  }
  if (errors.empty()) refuseSecondDefault(request);
}

}  // namespace wherry::apiserver
