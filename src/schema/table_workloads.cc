#include <fmt/format.h>

#include "base/strings.h"
#include "meta/time.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

template <const char* path>
Value count(const Value& object, Now) {
  return json::getInt(object, path);
}
constexpr char kUpdatedReplicas[] = "status.updatedReplicas";
constexpr char kAvailableReplicas[] = "status.availableReplicas";
constexpr char kReadyReplicas[] = "status.readyReplicas";
constexpr char kUpdatedNumberScheduled[] = "status.updatedNumberScheduled";
constexpr char kNumberAvailable[] = "status.numberAvailable";

// Ready replicas of all that are wanted.
Value replicasReady(const Value& object, Now) {
  return Value(fmt::format("{}/{}", json::getInt(object, kReadyReplicas), json::getInt(object, "spec.replicas")));
}

Value nodeSelector(const Value& object, Now) {
  return Value(renderLabels(objectAt(object, "spec.template.spec.nodeSelector")));
}

Value jobStatus(const Value& job, Now) {
  if (conditionIsTrue(job, "Complete")) return "Complete";
  if (conditionIsTrue(job, "Failed")) return "Failed";
  if (!json::getString(job, "metadata.deletionTimestamp").empty()) return "Terminating";
  for (const char* type : {"Suspended", "FailureTarget", "SuccessCriteriaMet"}) {
    if (conditionIsTrue(job, type)) return Value(type);
  }
  return "Running";
}

Value jobCompletions(const Value& job, Now) {
  int64_t succeeded = json::getInt(job, "status.succeeded");
  if (const Value* completions = json::find(job, "spec.completions");
      completions != nullptr && completions->is_int64()) {
    return Value(fmt::format("{}/{}", succeeded, completions->get_int64()));
  }
  int64_t parallelism = json::getInt(job, "spec.parallelism");
  if (parallelism > 1) return Value(fmt::format("{}/1 of {}", succeeded, parallelism));
  return Value(fmt::format("{}/1", succeeded));
}

Value jobDuration(const Value& job, Now now) {
  auto start = meta::parseTime(json::getString(job, "status.startTime"));
  if (!start) return "";
  auto end = meta::parseTime(json::getString(job, "status.completionTime")).value_or(now);
  return Value(meta::humanDuration(std::chrono::duration_cast<std::chrono::seconds>(end - *start)));
}

constexpr std::string_view kJobContainers = "spec.jobTemplate.spec.template.spec.containers";

Value cronJobTimezone(const Value& job, Now) { return Value(textAt(job, "spec.timeZone", kNone)); }
Value cronJobActive(const Value& job, Now) { return arrayAt(job, "status.active").size(); }
Value cronJobContainers(const Value& job, Now) {
  return Value(base::join(collectTexts(arrayAt(job, kJobContainers), "name"), ","));
}
Value cronJobImages(const Value& job, Now) {
  return Value(base::join(collectTexts(arrayAt(job, kJobContainers), "image"), ","));
}
Value cronJobSelector(const Value& job, Now) {
  return Value(renderSelector(json::find(job, "spec.jobTemplate.spec.selector")));
}

Value cronJobSuspend(const Value& job, Now) {
  const Value* suspend = json::find(job, "spec.suspend");
  if (suspend == nullptr || !suspend->is_bool()) return Value(kUnset);
  return suspend->get_bool() ? "True" : "False";
}

Value cronJobLastSchedule(const Value& job, Now now) {
  if (json::getString(job, "status.lastScheduleTime").empty()) return Value(kNone);
  return Value(sinceAt(job, "status.lastScheduleTime", now));
}

// An integer or a text, as IntOrString has it.
Value intOrString(const Value& object, std::string_view path) {
  const Value* value = json::find(object, path);
  if (value == nullptr || value->is_null()) return "N/A";
  return value->is_string() ? *value : Value(json::serialize(*value));
}
Value pdbMinAvailable(const Value& budget, Now) { return intOrString(budget, "spec.minAvailable"); }
Value pdbMaxUnavailable(const Value& budget, Now) { return intOrString(budget, "spec.maxUnavailable"); }

Value controllerReference(const Value& object, Now) {
  for (const Value& owner : arrayAt(object, "metadata.ownerReferences")) {
    if (!json::getBool(owner, "controller")) continue;
    std::string_view apiVersion = json::getString(owner, "apiVersion");
    size_t slash = apiVersion.find('/');
    std::string kind(json::getString(owner, "kind"));
    if (slash != std::string_view::npos) kind.append(".").append(apiVersion.substr(0, slash));
    return Value(base::toLower(kind) + "/" + std::string(json::getString(owner, "name")));
  }
  return Value(kNone);
}

constexpr NamedCell kCells[] = {
    {"deploymentReady", replicasReady},
    {"statefulSetReady", replicasReady},
    {"updatedReplicas", count<kUpdatedReplicas>},
    {"availableReplicas", count<kAvailableReplicas>},
    {"readyReplicas", count<kReadyReplicas>},
    {"updatedNumberScheduled", count<kUpdatedNumberScheduled>},
    {"numberAvailable", count<kNumberAvailable>},
    {"nodeSelector", nodeSelector},
    {"jobStatus", jobStatus},
    {"jobCompletions", jobCompletions},
    {"jobDuration", jobDuration},
    {"cronJobTimezone", cronJobTimezone},
    {"cronJobActive", cronJobActive},
    {"cronJobContainers", cronJobContainers},
    {"cronJobImages", cronJobImages},
    {"cronJobSelector", cronJobSelector},
    {"cronJobSuspend", cronJobSuspend},
    {"cronJobLastSchedule", cronJobLastSchedule},
    {"pdbMinAvailable", pdbMinAvailable},
    {"pdbMaxUnavailable", pdbMaxUnavailable},
    {"controllerReference", controllerReference},
};

}  // namespace

std::span<const NamedCell> workloadCells() { return kCells; }

}  // namespace wherry::schema
