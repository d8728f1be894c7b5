// Kinds that hold a pod template: the same defaults and rules for the template as for a pod, and the selector that must
// find what the template makes.
#include <fmt/format.h>

#include "apiserver/admission/hooks.h"
#include "apiserver/admission/pod_spec.h"
#include "meta/selector.h"

namespace wherry::apiserver {
namespace {

using json::getString;

// The object at `path`, all of whose steps are made when missing.
json::Object& ensurePath(json::Object& root, std::initializer_list<std::string_view> path) {
  json::Object* at = &root;
  for (std::string_view step : path) at = &json::ensureObject(*at, step);
  return *at;
}

json::Object& templateOf(AdmissionRequest& request) {
  return ensurePath(request.object.as_object(), {"spec", "template"});
}

void prepareTemplate(json::Object& podTemplate) {
  json::Value* spec = podTemplate.if_contains("spec");
  if (spec && spec->is_object()) applyPodSpecDefaults(spec->get_object());
}

bool isWrite(const AdmissionRequest& request) {
  return request.operation != Operation::kDelete && request.subresource.empty();
}

void setDefault(json::Object& object, std::string_view key, json::Value value) {
  if (json::Value* there = object.if_contains(key); !there || there->is_null()) object[key] = std::move(value);
}

void validateTemplate(const json::Value& podTemplate, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* spec = json::find(podTemplate, "spec");
  if (spec && spec->is_object()) validatePodSpec(spec->get_object(), path + ".spec", errors);
}

void requireRestartPolicyAlways(const json::Value& podTemplate, meta::FieldErrors& errors) {
  std::string_view policy = getString(podTemplate, "spec.restartPolicy");
  if (policy == "Always") return;
  errors.push_back(meta::notSupportedField("spec.template.spec.restartPolicy", json::Value(policy), {"Always"}));
}

}  // namespace

void prepareTemplated(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  if (request.kind.resource.kind == "PodTemplate") {
    prepareTemplate(ensurePath(request.object.as_object(), {"template"}));
  } else {
    prepareTemplate(templateOf(request));
  }
}

void prepareDeployment(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  prepareTemplated(request);
  json::Object& strategy = ensurePath(request.object.as_object(), {"spec", "strategy"});
  if (getString(strategy, "type", "").empty()) strategy["type"] = "RollingUpdate";
  if (getString(strategy, "type") != "RollingUpdate") return;
  json::Object& rolling = json::ensureObject(strategy, "rollingUpdate");
  setDefault(rolling, "maxUnavailable", "25%");
  setDefault(rolling, "maxSurge", "25%");
}

void prepareDaemonSet(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  prepareTemplated(request);
  json::Object& strategy = ensurePath(request.object.as_object(), {"spec", "updateStrategy"});
  if (getString(strategy, "type", "").empty()) strategy["type"] = "RollingUpdate";
  if (getString(strategy, "type") != "RollingUpdate") return;
  json::Object& rolling = json::ensureObject(strategy, "rollingUpdate");
  setDefault(rolling, "maxUnavailable", 1);
  setDefault(rolling, "maxSurge", 0);
}

void prepareStatefulSet(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  prepareTemplated(request);
  json::Object& strategy = ensurePath(request.object.as_object(), {"spec", "updateStrategy"});
  if (getString(strategy, "type", "").empty()) strategy["type"] = "RollingUpdate";
  if (getString(strategy, "type") == "RollingUpdate") {
    setDefault(json::ensureObject(strategy, "rollingUpdate"), "partition", 0);
  }
}

// Selector and labels come from the template when they are not given.
void prepareReplicationController(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  prepareTemplated(request);
  const json::Value* labels = json::find(request.object, "spec.template.metadata.labels");
  if (!labels || !labels->is_object() || labels->get_object().empty()) return;
  json::Object copy = labels->get_object();
  json::Object& selector = ensurePath(request.object.as_object(), {"spec", "selector"});
  if (selector.empty()) selector = copy;
  json::Object& own = ensurePath(request.object.as_object(), {"metadata", "labels"});
  if (own.empty()) own = std::move(copy);
}

void prepareCronJob(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  prepareTemplate(ensurePath(request.object.as_object(), {"spec", "jobTemplate", "spec", "template"}));
}

// A Job makes its own selector, by its uid, unless it is told not to.
void prepareJob(AdmissionRequest& request) {
  if (!isWrite(request)) return;
  prepareTemplated(request);
  json::Object& spec = ensurePath(request.object.as_object(), {"spec"});
  if (!spec.contains("completions") && !spec.contains("parallelism")) spec["completions"] = 1;
  setDefault(spec, "parallelism", 1);
  if (request.operation != Operation::kCreate || json::getBool(spec, "manualSelector")) return;
  std::string uid(getString(request.object, "metadata.uid"));
  json::Object& labels = ensurePath(spec, {"template", "metadata", "labels"});
  for (const char* key : {"batch.kubernetes.io/controller-uid", "controller-uid"}) labels[key] = uid;
  for (const char* key : {"batch.kubernetes.io/job-name", "job-name"}) labels[key] = request.name;
  ensurePath(spec, {"selector", "matchLabels"})["batch.kubernetes.io/controller-uid"] = uid;
}

void validateSelected(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!isWrite(request)) return;
  const json::Value* selector = json::find(request.object, "spec.selector");
  const json::Value* podTemplate = json::find(request.object, "spec.template");
  if (!selector) errors.push_back(meta::requiredField("spec.selector"));
  if (!podTemplate) return;
  if (selector) {
    auto parsed = meta::LabelSelector::fromObject(selector);
    static const json::Object kNone;
    const json::Value* labels = json::find(*podTemplate, "metadata.labels");
    if (parsed.isEverything()) {
      errors.push_back(meta::invalidField("spec.selector", *selector, "empty selector is invalid for deployment"));
    } else if (!parsed.matches(labels && labels->is_object() ? labels->get_object() : kNone)) {
      errors.push_back(meta::invalidField("spec.template.metadata.labels", labels ? *labels : json::Value(json::Object()),
                                          "`selector` does not match template `labels`"));
    }
  }
  validateTemplate(*podTemplate, "spec.template", errors);
  requireRestartPolicyAlways(*podTemplate, errors);
  const json::Value* before = request.old ? json::find(*request.old, "spec.selector") : nullptr;
  if (before && selector && !json::equal(*before, *selector)) {
    errors.push_back(meta::invalidField("spec.selector", *selector, "field is immutable"));
  }
}

void validateJob(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!isWrite(request)) return;
  const json::Value* podTemplate = json::find(request.object, "spec.template");
  if (!podTemplate) return;
  validateTemplate(*podTemplate, "spec.template", errors);
  std::string_view policy = getString(*podTemplate, "spec.restartPolicy");
  if (policy == "Always") {
    errors.push_back(meta::requiredField("spec.template.spec.restartPolicy", "valid values: \"OnFailure\", \"Never\""));
  }
}

}  // namespace wherry::apiserver
