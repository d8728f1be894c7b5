// Kinds that hold a pod template: the same defaults and rules for the template as for a pod, and the selector that must
// find what the template makes.
#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/number_or_percent.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"
#include "meta/selector.h"

namespace wherry::apiserver {
namespace {

using json::getString;

json::Object& templateOf(AdmissionRequest& request) {
  return ensurePath(request.object.as_object(), {"spec", "template"});
}

void prepareTemplate(json::Object& podTemplate) {
  json::Value* spec = podTemplate.if_contains("spec");
  if (spec && spec->is_object()) applyPodSpecDefaults(spec->get_object());
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

// The annotation that numbers a DaemonSet's templates, for clients from before ControllerRevisions. Not the user's.
void countTemplates(AdmissionRequest& request) {
  constexpr std::string_view kCount = "deprecated.daemonset.template.generation";
  json::Object& annotations = ensurePath(request.object.as_object(), {"metadata", "annotations"});
  const json::Value* given = annotations.if_contains(kCount);
  const auto read = [](const json::Value* text) {
    const auto count = text && text->is_string() ? base::parseInt<int64_t>(text->get_string()) : std::nullopt;
    return count && *count > 0 ? *count : 1;
  };
  int64_t count = read(given);
  if (request.old) {
    count = read(objectAt(*request.old, "metadata.annotations").if_contains(kCount));
    if (!json::equal(objectAt(*request.old, "spec.template"), objectAt(request.object, "spec.template"))) ++count;
  }
  annotations[kCount] = std::to_string(count);
}

void checkSelects(const json::Value& selector, const json::Object& labels, meta::FieldErrors& errors) {
  auto parsed = meta::LabelSelector::fromObject(&selector);
  if (parsed.isEverything()) {
    errors.push_back(meta::invalidField("spec.selector", selector, "empty selector is invalid"));
  } else if (!parsed.matches(labels)) {
    errors.push_back(
        meta::invalidField("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  }
}

}  // namespace

void prepareTemplated(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  if (request.kind.resource.kind == "PodTemplate") {
    prepareTemplate(ensurePath(request.object.as_object(), {"template"}));
  } else {
    prepareTemplate(templateOf(request));
  }
}

void prepareDeployment(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  prepareTemplated(request);
  json::Object& strategy = ensurePath(request.object.as_object(), {"spec", "strategy"});
  if (getString(strategy, "type", "").empty()) strategy["type"] = "RollingUpdate";
  if (getString(strategy, "type") != "RollingUpdate") return;
  json::Object& rolling = json::ensureObject(strategy, "rollingUpdate");
  setDefault(rolling, "maxUnavailable", "25%");
  setDefault(rolling, "maxSurge", "25%");
}

void prepareDaemonSet(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  prepareTemplated(request);
  countTemplates(request);
  json::Object& strategy = ensurePath(request.object.as_object(), {"spec", "updateStrategy"});
  if (getString(strategy, "type", "").empty()) strategy["type"] = "RollingUpdate";
  if (getString(strategy, "type") != "RollingUpdate") return;
  json::Object& rolling = json::ensureObject(strategy, "rollingUpdate");
  setDefault(rolling, "maxUnavailable", 1);
  setDefault(rolling, "maxSurge", 0);
}

// Selector and labels come from the template when they are not given.
void prepareReplicationController(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  prepareTemplated(request);
  const json::Value* labels = json::find(request.object, "spec.template.metadata.labels");
  if (!labels || !labels->is_object() || labels->get_object().empty()) return;
  json::Object copy = labels->get_object();
  json::Object& selector = ensurePath(request.object.as_object(), {"spec", "selector"});
  if (selector.empty()) selector = copy;
  json::Object& own = ensurePath(request.object.as_object(), {"metadata", "labels"});
  if (own.empty()) own = std::move(copy);
}

void validateSelected(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (writesMain(request)) validateSelected(request.object, errors);
}

void validateSelected(const json::Value& object, meta::FieldErrors& errors) {
  const json::Value* podTemplate = json::find(object, "spec.template");
  if (!podTemplate) return;
  if (const json::Value* selector = json::find(object, "spec.selector")) {
    checkSelects(*selector, objectAt(*podTemplate, "metadata.labels"), errors);
  }
  validateTemplate(*podTemplate, "spec.template", errors);
  requireRestartPolicyAlways(*podTemplate, errors);
}

// Nothing would ever be replaced if neither one more nor one less were allowed.
void checkRollingUpdate(const json::Value& object, const std::string& path, meta::FieldErrors& errors) {
  const json::Value* unavailable = json::find(object, path + ".maxUnavailable");
  const json::Value* surge = json::find(object, path + ".maxSurge");
  checkNumberOrPercent(unavailable, path + ".maxUnavailable", errors);
  checkNumberOrPercent(surge, path + ".maxSurge", errors, true);
  if (unavailable && isNothing(unavailable) && isNothing(surge)) {
    errors.push_back(meta::invalidField(path + ".maxUnavailable", *unavailable, "may not be 0 when `maxSurge` is 0"));
  }
}

void validateDeployment(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  validateSelected(request, errors);
  const json::Value& object = request.object;
  if (getString(object, "spec.strategy.type") == "Recreate" && json::find(object, "spec.strategy.rollingUpdate")) {
    errors.push_back(
        meta::forbiddenField("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"));
  } else {
    checkRollingUpdate(object, "spec.strategy.rollingUpdate", errors);
  }
  int64_t deadline = json::getInt(object, "spec.progressDeadlineSeconds", INT32_MAX);
  if (deadline <= json::getInt(object, "spec.minReadySeconds")) {
    errors.push_back(
        meta::invalidField("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
  }
}

void validateDaemonSet(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  validateSelected(request, errors);
  const std::string path = "spec.updateStrategy.rollingUpdate";
  const json::Value *unavailable = json::find(request.object, path + ".maxUnavailable"),
                    *surge = json::find(request.object, path + ".maxSurge");
  checkRollingUpdate(request.object, path, errors);
  if (!isNothing(unavailable) && !isNothing(surge)) {
    errors.push_back(meta::invalidField(path + ".maxSurge", *surge, "may not be set when maxUnavailable is non-zero"));
  }
}

void validateReplicationController(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  const json::Value* podTemplate = json::find(request.object, "spec.template");
  const json::Object& selector = objectAt(request.object, "spec.selector");
  if (selector.empty()) errors.push_back(meta::requiredField("spec.selector"));
  if (!podTemplate) return errors.push_back(meta::requiredField("spec.template"));
  const json::Object& labels = objectAt(*podTemplate, "metadata.labels");
  if (!selector.empty() && !meta::LabelSelector::fromMap(selector).matches(labels)) {
    errors.push_back(
        meta::invalidField("spec.template.metadata.labels", labels, "`selector` does not match template `labels`"));
  }
  validateTemplate(*podTemplate, "spec.template", errors);
  requireRestartPolicyAlways(*podTemplate, errors);
}

}  // namespace wherry::apiserver
