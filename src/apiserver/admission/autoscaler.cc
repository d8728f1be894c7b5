// HorizontalPodAutoscalers: what they go by when they don't say, how fast they may be, and what can't be meant.
#include <algorithm>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "meta/quantity.h"

namespace wherry::apiserver {
namespace {

using json::getInt;
using json::getString;
using meta::FieldErrors;

bool isV2(const AdmissionRequest& request) { return request.kind.resource.version == "v2"; }

json::Object policy(const char* type, int value) {
  constexpr int kPeriodSeconds = 15;
  return {{"type", type}, {"value", value}, {"periodSeconds", kPeriodSeconds}};
}

// One whose speed isn't said may double, or add four, every 15 s, and end all at once.
void applyBehavior(json::Object& behavior) {
  json::Object& up = json::ensureObject(behavior, "scaleUp");
  setDefault(up, "stabilizationWindowSeconds", 0);
  setDefault(up, "selectPolicy", "Max");
  setDefault(up, "policies", json::Array{policy("Pods", 4), policy("Percent", 100)});
  json::Object& down = json::ensureObject(behavior, "scaleDown");
  setDefault(down, "selectPolicy", "Max");
  setDefault(down, "policies", json::Array{policy("Percent", 100)});
}

// The field that holds a metric of this type: "containerResource" of ContainerResource.
std::string sourceField(std::string_view type) {
  std::string field(type);
  if (!field.empty()) field[0] = static_cast<char>(field[0] - 'A' + 'a');
  return field;
}

void checkResourceTarget(const json::Value& source, const std::string& path, FieldErrors& errors) {
  const bool byValue = json::find(source, "target.averageValue") != nullptr;
  const bool byShare = json::find(source, "target.averageUtilization") != nullptr;
  if (!byValue && !byShare) {
    errors.push_back(meta::requiredField(path + ".target.averageUtilization",
                                         "must set either a target raw value or a target utilization"));
  } else if (byValue && byShare) {
    errors.push_back(meta::forbiddenField(path + ".target.averageValue",
                                          "may not set both a target raw value and a target utilization"));
  }
  if (byShare && getInt(source, "target.averageUtilization") < 1) {
    errors.push_back(meta::invalidField(path + ".target.averageUtilization",
                                        *json::find(source, "target.averageUtilization"), "must be greater than 0"));
  }
  const auto value = meta::Quantity::parse(getString(source, "target.averageValue"));
  if (byValue && value && (value->negative() || value->zero())) {
    errors.push_back(meta::invalidField(path + ".target.averageValue", *json::find(source, "target.averageValue"),
                                        "must be positive"));
  }
}

void checkMetric(const json::Value& metric, const std::string& path, FieldErrors& errors) {
  const auto type = getString(metric, "type");
  const std::string field = sourceField(type);
  for (const char* other : {"containerResource", "external", "object", "pods", "resource"}) {
    if (field == other || !json::find(metric, other)) continue;
    errors.push_back(meta::forbiddenField(
        path + "." + other, fmt::format("must populate the given metric source only for the type {}", type)));
  }
  const json::Value* source = json::find(metric, field);
  if (!source) {
    errors.push_back(meta::requiredField(path + "." + field, "must populate information for the given metric source"));
  } else if (type == "Resource" || type == "ContainerResource") {
    checkResourceTarget(*source, path + "." + field, errors);
  }
}

void checkRules(const json::Value& autoscaler, const std::string& path, FieldErrors& errors) {
  const json::Value* rules = json::find(autoscaler, path);
  if (!rules) return;
  if (arrayAt(*rules, "policies").empty()) {
    errors.push_back(meta::requiredField(path + ".policies", "must specify at least one Policy"));
  }
  const auto tolerance = meta::Quantity::parse(getString(*rules, "tolerance"));
  if (tolerance && tolerance->negative()) {
    errors.push_back(meta::invalidField(path + ".tolerance", *json::find(*rules, "tolerance"),
                                        "must be greater than or equal to 0"));
  }
}

}  // namespace

// One that names no metrics goes by the CPU; of autoscaling/v1, which has no other, the conversion says so.
void prepareHorizontalPodAutoscaler(AdmissionRequest& request) {
  constexpr int kDefaultUtilization = 80;  // percent
  if (!isV2(request) || !writesMain(request)) return;
  json::Object& spec = json::ensureObject(request.object.as_object(), "spec");
  auto& metrics = json::ensureArray(spec, "metrics");
  if (metrics.empty()) {
    json::Object target{{"type", "Utilization"}, {"averageUtilization", kDefaultUtilization}};
    metrics.push_back(
        json::Object{{"type", "Resource"}, {"resource", json::Object{{"name", "cpu"}, {"target", std::move(target)}}}});
  }
  json::Value* behavior = spec.if_contains("behavior");
  if (behavior && behavior->is_object()) applyBehavior(behavior->get_object());
}

void validateHorizontalPodAutoscaler(const AdmissionRequest& request, FieldErrors& errors) {
  if (!writesMain(request)) return;
  int64_t least = getInt(request.object, "spec.minReplicas", 1), most = getInt(request.object, "spec.maxReplicas");
  if (most >= 1 && most < least) {
    errors.push_back(meta::invalidField("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"));
  }
  if (!isV2(request)) return;
  forEachItem(arrayAt(request.object, "spec.metrics"), "spec.metrics",
              [&](const json::Value& metric, const std::string& path) { checkMetric(metric, path, errors); });
  checkRules(request.object, "spec.behavior.scaleUp", errors);
  checkRules(request.object, "spec.behavior.scaleDown", errors);
}

}  // namespace wherry::apiserver
