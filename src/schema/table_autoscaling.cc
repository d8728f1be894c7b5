#include <fmt/format.h>

#include "base/strings.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

constexpr size_t kShown = 2;

std::string percent(const Value& object, std::string_view path, std::string_view missing) {
  const Value* value = json::find(object, path);
  return value != nullptr && value->is_int64() ? fmt::format("{}%", value->get_int64()) : std::string(missing);
}

// "cpu: 20%/80%" or "memory: 10Mi/50Mi": `source` holds the target, `status` what is measured now.
std::string renderResource(const Value& source, const Value& status) {
  std::string_view name = json::getString(source, "name");
  std::string_view average = json::getString(source, "target.averageValue");
  if (!average.empty()) {
    return fmt::format("{}: {}/{}", name, textAt(status, "current.averageValue", kUnknown), average);
  }
  return fmt::format("{}: {}/{}", name, percent(status, "current.averageUtilization", kUnknown),
                     percent(source, "target.averageUtilization", "<auto>"));
}

// A metric of pods, of an object, or from outside.
std::string renderOther(std::string_view type, const Value& source, const Value& status) {
  std::string_view average = json::getString(source, "target.averageValue");
  if (average.empty()) {
    return fmt::format("{}/{}", textAt(status, "current.value", kUnknown), json::getString(source, "target.value"));
  }
  return fmt::format("{}/{}{}", textAt(status, "current.averageValue", kUnknown), average,
                     type == "Pods" ? "" : " (avg)");
}

std::string renderMetric(const Value& spec, const Value& status) {
  static constexpr std::pair<std::string_view, std::string_view> kFields[] = {
      {"Resource", "resource"},
      {"ContainerResource", "containerResource"},
      {"Pods", "pods"},
      {"Object", "object"},
      {"External", "external"}};
  std::string_view type = json::getString(spec, "type");
  for (const auto& [name, field] : kFields) {
    if (name != type) continue;
    const Value kNothing;
    const Value* source = json::find(spec, field);
    const Value* current = json::find(status, field);
    const Value& measured = current == nullptr ? kNothing : *current;
    if (source == nullptr) break;
    return name.ends_with("Resource") ? renderResource(*source, measured) : renderOther(type, *source, measured);
  }
  return "<unknown type>";
}

Value hpaTargets(const Value& autoscaler, Now) {
  if (json::getString(autoscaler, "apiVersion") == "autoscaling/v1") {
    if (json::find(autoscaler, "spec.targetCPUUtilizationPercentage") == nullptr) return Value(kNone);
    return Value(fmt::format("cpu: {}/{}", percent(autoscaler, "status.currentCPUUtilizationPercentage", kUnknown),
                             percent(autoscaler, "spec.targetCPUUtilizationPercentage", "<auto>")));
  }
  const json::Array& specs = arrayAt(autoscaler, "spec.metrics");
  const json::Array& statuses = arrayAt(autoscaler, "status.currentMetrics");
  std::vector<std::string> texts;
  for (size_t i = 0; i < specs.size() && i < kShown; ++i) {
    texts.push_back(renderMetric(specs[i], i < statuses.size() ? statuses[i] : Value()));
  }
  if (texts.empty()) return Value(kNone);
  std::string text = base::join(texts, ", ");
  return Value(specs.size() > kShown ? fmt::format("{} + {} more...", text, specs.size() - kShown) : text);
}

Value hpaReference(const Value& autoscaler, Now) {
  return Value(fmt::format("{}/{}", json::getString(autoscaler, "spec.scaleTargetRef.kind"),
                           json::getString(autoscaler, "spec.scaleTargetRef.name")));
}

Value hpaMinPods(const Value& autoscaler, Now) {
  const Value* minimum = json::find(autoscaler, "spec.minReplicas");
  return minimum == nullptr || minimum->is_null() ? Value(kUnset) : Value(json::serialize(*minimum));
}

constexpr NamedCell kCells[] = {{"hpaTargets", hpaTargets}, {"hpaReference", hpaReference}, {"hpaMinPods", hpaMinPods}};

}  // namespace

std::span<const NamedCell> autoscalingCells() { return kCells; }

}  // namespace wherry::schema
