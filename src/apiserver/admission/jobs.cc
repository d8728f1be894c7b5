// Jobs and CronJobs: the selector that a Job makes itself, defaults that depend on how it counts, and what stays once
// it has begun.
#include <limits>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/pod_spec.h"
#include "meta/selector.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr const char* kUidLabel = "batch.kubernetes.io/controller-uid";
constexpr int64_t kDefaultBackoffLimit = 6;

void applyCounts(json::Object& spec) {
  if (!spec.contains("completions") && !spec.contains("parallelism")) spec["completions"] = 1;
  setDefault(spec, "parallelism", 1);
  // A limit for each index leaves the common one without meaning.
  bool perIndex = spec.contains("backoffLimitPerIndex");
  setDefault(spec, "backoffLimit", perIndex ? std::numeric_limits<int32_t>::max() : kDefaultBackoffLimit);
}

// By its uid, so that no other's pods are ever taken for its own.
void generateSelector(const AdmissionRequest& request, json::Object& spec) {
  std::string uid(getString(request.object, "metadata.uid"));
  json::Object& labels = ensurePath(spec, {"template", "metadata", "labels"});
  for (const char* key : {kUidLabel, "controller-uid"}) labels[key] = uid;
  for (const char* key : {"batch.kubernetes.io/job-name", "job-name"}) labels[key] = request.name;
  ensurePath(spec, {"selector", "matchLabels"})[kUidLabel] = uid;
}

void checkSelector(const AdmissionRequest& request, meta::FieldErrors& errors) {
  const json::Value* selector = json::find(request.object, "spec.selector");
  const json::Object& labels = objectAt(request.object, "spec.template.metadata.labels");
  if (!selector) return errors.push_back(meta::requiredField("spec.selector"));
  if (!json::getBool(request.object, "spec.manualSelector")) {
    json::Object generated{{"matchLabels", {{kUidLabel, getString(request.object, "metadata.uid")}}}};
    bool own = json::equal(*selector, generated);
    if (!own && creates(request)) {
      errors.push_back(meta::invalidField("spec.selector", *selector, "`selector` not auto-generated"));
    }
  }
  if (!meta::LabelSelector::fromObject(selector).matches(labels)) {
    errors.push_back(
        meta::invalidField("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  }
}

void checkIndexed(const json::Value& job, const std::string& path, meta::FieldErrors& errors) {
  bool indexed = getString(job, path + ".completionMode") == "Indexed";
  if (indexed && !json::find(job, path + ".completions")) {
    errors.push_back(meta::requiredField(path + ".completions", "when completion mode is Indexed"));
  }
  if (!indexed && json::find(job, path + ".backoffLimitPerIndex")) {
    errors.push_back(meta::invalidField(path + ".backoffLimitPerIndex",
                                        *json::find(job, path + ".backoffLimitPerIndex"),
                                        "requires indexed completion mode"));
  }
}

void checkTemplate(const json::Value& object, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* spec = json::find(object, path + ".template.spec");
  if (!spec || !spec->is_object()) return;
  validatePodSpec(spec->get_object(), path + ".template.spec", errors);
  if (getString(*spec, "restartPolicy") == "Always") {
    errors.push_back(
        meta::requiredField(path + ".template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
  }
}

// -- updates --------------------------------------------------------------------------------------------------------

// An Indexed Job may grow and shrink, as long as all of it runs at once (KEP-3715).
bool isElastic(const json::Value& job) {
  return getString(job, "spec.completionMode") == "Indexed" && json::find(job, "spec.completions") &&
         json::getInt(job, "spec.completions") == json::getInt(job, "spec.parallelism");
}

// Before a suspended Job has ever run, where its pods may go can still be said.
json::Object templateToKeep(const json::Value& job, bool schedulable) {
  json::Object podTemplate = objectAt(job, "spec.template");
  if (!schedulable) return podTemplate;
  if (json::Value* metadata = podTemplate.if_contains("metadata"); metadata && metadata->is_object()) {
    for (const char* field : {"labels", "annotations"}) metadata->get_object().erase(field);
  }
  if (json::Value* spec = podTemplate.if_contains("spec"); spec && spec->is_object()) {
    for (const char* field : {"affinity", "nodeSelector", "tolerations", "schedulingGates"}) {
      spec->get_object().erase(field);
    }
  }
  return podTemplate;
}

void checkUpdate(const json::Value& job, const json::Value& old, meta::FieldErrors& errors) {
  auto refuse = [&](const std::string& field) {
    const json::Value* value = json::find(job, field);
    errors.push_back(meta::invalidField(field, value ? *value : json::Value(), "field is immutable"));
  };
  bool elastic = isElastic(job) && isElastic(old);
  if (!elastic && !sameAt(job, old, "spec.completions")) refuse("spec.completions");
  bool schedulable = json::getBool(old, "spec.suspend") && !json::find(old, "status.startTime");
  if (!json::equal(templateToKeep(job, schedulable), templateToKeep(old, schedulable))) refuse("spec.template");
  for (const char* field :
       {"spec.podFailurePolicy", "spec.backoffLimitPerIndex", "spec.managedBy", "spec.successPolicy"}) {
    if (!sameAt(job, old, field)) refuse(field);
  }
}

// -- schedules ------------------------------------------------------------------------------------------------------

void checkSchedule(const json::Value& cronJob, meta::FieldErrors& errors) {
  std::string_view schedule = getString(cronJob, "spec.schedule");
  if (schedule.find("TZ") == std::string_view::npos) return;
  errors.push_back(meta::invalidField("spec.schedule", json::Value(schedule),
                                      "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
}

}  // namespace

// The Job bears the labels of its pods when it has none of its own.
void prepareJob(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  prepareTemplated(request);
  json::Object& spec = ensurePath(request.object.as_object(), {"spec"});
  applyCounts(spec);
  if (creates(request) && !json::getBool(spec, "manualSelector")) generateSelector(request, spec);
  const json::Object labels = objectAt(spec, "template.metadata.labels");
  json::Object& own = ensurePath(request.object.as_object(), {"metadata", "labels"});
  if (own.empty()) own = labels;
}

void validateJob(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkIndexed(request.object, "spec", errors);
  checkSelector(request, errors);
  checkTemplate(request.object, "spec", errors);
  if (request.old) checkUpdate(request.object, *request.old, errors);
}

void prepareCronJob(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  json::Value* spec =
      ensurePath(request.object.as_object(), {"spec", "jobTemplate", "spec", "template"}).if_contains("spec");
  if (spec && spec->is_object()) applyPodSpecDefaults(spec->get_object());
}

void validateCronJob(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkSchedule(request.object, errors);
  checkIndexed(request.object, "spec.jobTemplate.spec", errors);
  checkTemplate(request.object, "spec.jobTemplate.spec", errors);
}

}  // namespace wherry::apiserver
