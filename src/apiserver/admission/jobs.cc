// Jobs and CronJobs: the selector that a Job makes itself, defaults that depend on how it counts, and what stays once
// it has begun.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/job_validation.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"
#include "meta/cron_schedule.h"
#include "meta/names.h"
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
  // A policy that looks at how pods failed waits until they have.
  setDefault(spec, "podReplacementPolicy", spec.contains("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
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

// The longest host name that a pod of an Indexed Job will have.
void checkHostname(const AdmissionRequest& request, meta::FieldErrors& errors) {
  const int64_t completions = json::getInt(request.object, "spec.completions");
  if (!creates(request) || getString(request.object, "spec.completionMode") != "Indexed" || completions <= 0) return;
  const std::string hostname = fmt::format("{}-{}", request.name, completions - 1);
  if (meta::checkDns1123Label(hostname).empty()) return;
  errors.push_back(meta::invalidField("metadata.name", json::Value(request.name),
                                      "will not able to create pod with invalid DNS label: " + hostname));
}

void checkManagedBy(const json::Value& job, const std::string& path, meta::FieldErrors& errors) {
  constexpr size_t kLongest = 63;
  const json::Value* managedBy = json::find(job, path + ".managedBy");
  if (!managedBy) return;
  const std::string field = path + ".managedBy";
  const auto text = textOf(*managedBy);
  if (text.empty()) return errors.push_back(meta::requiredField(field));
  const auto parts = base::splitOnce(text, '/');
  if (!parts || parts->first.empty() || parts->second.empty()) {
    errors.push_back(meta::invalidField(field, *managedBy, "must be a domain-prefixed path (such as \"acme.io/foo\")"));
  } else {
    addInvalid(field, json::Value(parts->first), meta::checkDns1123Subdomain(parts->first), errors);
  }
  if (text.size() > kLongest) errors.push_back(meta::tooLongField(field, kLongest));
}

void checkSpec(const json::Value& object, const std::string& path, meta::FieldErrors& errors) {
  checkIndexes(object, path, errors);
  checkManagedBy(object, path, errors);
  checkPodFailurePolicy(object, path, errors);
  checkSuccessPolicy(object, path, errors);
  checkPodReplacementPolicy(object, path, errors);
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
  const std::string field = "spec.schedule";
  const std::string_view schedule = getString(cronJob, field);
  if (schedule.empty()) return;  // the schema says so
  std::string_view fields = schedule;
  const bool hasZone = schedule.starts_with("TZ=") || schedule.starts_with("CRON_TZ=");
  if (hasZone) fields.remove_prefix(std::min(schedule.find(' ') + 1, schedule.size()));
  if (const auto parsed = meta::CronSchedule::parse(base::trim(fields)); !parsed.schedule) {
    errors.push_back(meta::invalidField(field, json::Value(schedule), parsed.error));
  }
  if (schedule.find("TZ") == std::string_view::npos) return;
  errors.push_back(meta::invalidField(field, json::Value(schedule),
                                      "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
}

void checkTimeZone(const AdmissionRequest& request, meta::FieldErrors& errors) {
  const std::string field = "spec.timeZone";
  const json::Value* zone = json::find(request.object, field);
  if (!zone || (request.old && sameAt(request.object, *request.old, field))) return;
  const auto refuse = [&](std::string why) { errors.push_back(meta::invalidField(field, *zone, std::move(why))); };
  const std::string name(textOf(*zone));
  if (name.empty()) return refuse("timeZone must be nil or non-empty string");
  if (base::toLower(name) == "local") {
    return refuse("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
  }
  if (!meta::TimeZone::find(name)) refuse("unknown time zone " + name);
}

// Its Jobs' names have eleven characters more.
void checkCronJobName(const AdmissionRequest& request, meta::FieldErrors& errors) {
  constexpr size_t kLongest = 52;
  if (!creates(request) || request.name.size() <= kLongest) return;
  errors.push_back(meta::invalidField("metadata.name", json::Value(request.name),
                                      fmt::format("must be no more than {} characters", kLongest)));
}

void checkJobTemplate(const json::Value& cronJob, meta::FieldErrors& errors) {
  const std::string path = "spec.jobTemplate.spec";
  if (const json::Value* selector = json::find(cronJob, path + ".selector")) {
    errors.push_back(meta::invalidField(path + ".selector", *selector, "`selector` will be auto-generated"));
  }
  if (json::getBool(cronJob, path + ".manualSelector")) {
    errors.push_back(meta::notSupportedField(path + ".manualSelector", true, {"nil", "false"}));
  }
  checkSpec(cronJob, path, errors);
  checkTemplate(cronJob, path, errors);
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
  checkSpec(request.object, "spec", errors);
  checkHostname(request, errors);
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
  checkCronJobName(request, errors);
  checkSchedule(request.object, errors);
  checkTimeZone(request, errors);
  checkJobTemplate(request.object, errors);
}

}  // namespace wherry::apiserver
