// HorizontalPodAutoscalers: autoscaling/v1 knows one metric, the mean CPU use; autoscaling/v2, which is stored, knows
// many. What v1 has no field for travels in annotations, so that a v1 client's update does not lose it.
#include <algorithm>

#include "apiserver/conversion.h"
#include "apiserver/object_meta.h"

namespace wherry::apiserver {
namespace {

constexpr int kDefaultUtilization = 80;  // percent, when neither a target nor other metrics are given

struct Carried {
  std::string_view annotation;
  std::string_view parent;
  std::string_view field;
};
constexpr Carried kCarried[] = {
    {"autoscaling.alpha.kubernetes.io/metrics", "spec", "metrics"},
    {"autoscaling.alpha.kubernetes.io/behavior", "spec", "behavior"},
    {"autoscaling.alpha.kubernetes.io/conditions", "status", "conditions"},
    {"autoscaling.alpha.kubernetes.io/current-metrics", "status", "currentMetrics"},
};

json::Value cpuMetric(std::string_view valueField, std::string_view value, const json::Value& percent) {
  json::Object target{{value, percent}};
  if (valueField == "target") target["type"] = "Utilization";
  return json::Object{{"type", "Resource"},
                      {"resource", json::Object{{"name", "cpu"}, {valueField, std::move(target)}}}};
}

bool isCpuUtilization(const json::Value& metric, std::string_view path) {
  return json::getString(metric, "type") == "Resource" && json::getString(metric, "resource.name") == "cpu" &&
         json::find(metric, path) != nullptr;
}

// Takes the first CPU utilization out of a list of metrics; nothing when there is none.
std::optional<json::Value> takeCpu(json::Object& parent, std::string_view key, std::string_view path) {
  auto* list = parent.if_contains(key);
  if (!list || !list->is_array()) return std::nullopt;
  auto& metrics = list->get_array();
  auto found =
      std::find_if(metrics.begin(), metrics.end(), [&](const auto& metric) { return isCpuUtilization(metric, path); });
  if (found == metrics.end()) return std::nullopt;
  auto percent = *json::find(*found, path);
  metrics.erase(found);
  return percent;
}

void moveToAnnotations(json::Value& object) {
  for (const auto& carried : kCarried) {
    auto& parent = json::ensureObject(object.as_object(), carried.parent);
    auto* value = parent.if_contains(carried.field);
    if (!value) continue;
    bool empty = value->is_null() || (value->is_array() && value->get_array().empty());
    if (!empty) {
      json::ensureObject(requireMetadata(object), "annotations")[carried.annotation] = json::serialize(*value);
    }
    parent.erase(carried.field);
  }
}

void moveFromAnnotations(json::Value& object) {
  auto* found = requireMetadata(object).if_contains("annotations");
  if (!found || !found->is_object()) return;
  auto& annotations = found->get_object();
  for (const auto& carried : kCarried) {
    const auto* text = annotations.if_contains(carried.annotation);
    if (!text || !text->is_string()) continue;
    try {
      json::ensureObject(object.as_object(), carried.parent)[carried.field] = json::parse(text->get_string());
    } catch (const json::ParseError&) {
      // A user's own text under this name is nothing that could be carried over.
    }
    annotations.erase(carried.annotation);
  }
}

void putFirst(json::Object& parent, std::string_view key, json::Value metric) {
  auto& list = json::ensureArray(parent, key);
  list.insert(list.begin(), std::move(metric));
}

}  // namespace

void autoscalerToStored(json::Value& object) {
  moveFromAnnotations(object);
  auto& spec = json::ensureObject(object.as_object(), "spec");
  if (const auto* percent = spec.if_contains("targetCPUUtilizationPercentage")) {
    auto metric = cpuMetric("target", "averageUtilization", *percent);
    spec.erase("targetCPUUtilizationPercentage");
    putFirst(spec, "metrics", std::move(metric));
  } else if (!spec.contains("metrics")) {
    putFirst(spec, "metrics", cpuMetric("target", "averageUtilization", kDefaultUtilization));
  }
  auto& status = json::ensureObject(object.as_object(), "status");
  if (!status.contains("currentMetrics")) status["currentMetrics"] = nullptr;
  if (const auto* percent = status.if_contains("currentCPUUtilizationPercentage")) {
    auto metric = cpuMetric("current", "averageUtilization", *percent);
    status.erase("currentCPUUtilizationPercentage");
    putFirst(status, "currentMetrics", std::move(metric));
  }
  if (json::getInt(status, "currentReplicas") == 0) status.erase("currentReplicas");
}

void autoscalerFromStored(json::Value& object) {
  json::ensureObject(object.as_object(), "status");  // before a reference into the object is taken: it may move
  auto& spec = json::ensureObject(object.as_object(), "spec");
  auto& status = json::ensureObject(object.as_object(), "status");
  if (auto percent = takeCpu(spec, "metrics", "resource.target.averageUtilization")) {
    spec["targetCPUUtilizationPercentage"] = std::move(*percent);
  }
  if (auto percent = takeCpu(status, "currentMetrics", "resource.current.averageUtilization")) {
    status["currentCPUUtilizationPercentage"] = std::move(*percent);
  }
  for (auto key : {"currentReplicas", "desiredReplicas"}) {
    if (!status.contains(key)) status[key] = 0;
  }
  moveToAnnotations(object);
}

}  // namespace wherry::apiserver
