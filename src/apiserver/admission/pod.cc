// Pods: the admission plugins that upstream runs for every one (ServiceAccount, Priority, DefaultTolerationSeconds),
// and what may change once a pod is there.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/admission/limit_range.h"
#include "apiserver/admission/pod_spec.h"
#include "base/random.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::string_view kTokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
constexpr int64_t kTokenSeconds = 3607;  // an hour and a bit, as upstream asks for
constexpr int64_t kTolerationSeconds = 300;

json::Array& ensureList(json::Object& object, std::string_view key) { return json::ensureArray(object, key); }

// -- ServiceAccount -------------------------------------------------------------------------------------------------

// Token, root certificate and namespace in one directory (KEP-1205).
json::Value renderTokenVolume(const std::string& name) {
  json::Value token = {{"serviceAccountToken", {{"expirationSeconds", kTokenSeconds}, {"path", "token"}}}};
  json::Value ca = {
      {"configMap", {{"name", "kube-root-ca.crt"}, {"items", json::Array{{{"key", "ca.crt"}, {"path", "ca.crt"}}}}}}};
  json::Value ns = {
      {"downwardAPI",
       {{"items", json::Array{{{"path", "namespace"},
                               {"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.namespace"}}}}}}}}};
  return {{"name", name}, {"projected", {{"sources", json::Array{token, ca, ns}}, {"defaultMode", 420}}}};
}

bool mountsAt(const json::Object& container, std::string_view path) {
  const json::Value* mounts = container.if_contains("volumeMounts");
  if (!mounts || !mounts->is_array()) return false;
  return std::any_of(mounts->get_array().begin(), mounts->get_array().end(),
                     [&](const json::Value& mount) { return getString(mount, "mountPath") == path; });
}

void mountToken(json::Object& spec) {
  std::string name;
  for (const char* list : {"initContainers", "containers"}) {
    json::Value* containers = spec.if_contains(list);
    if (!containers || !containers->is_array()) continue;
    for (json::Value& container : containers->get_array()) {
      if (!container.is_object() || mountsAt(container.get_object(), kTokenMountPath)) continue;
      if (name.empty()) name = "kube-api-access-" + base::randomSuffix();
      ensureList(container.get_object(), "volumeMounts")
          .push_back({{"name", name}, {"readOnly", true}, {"mountPath", kTokenMountPath}});
    }
  }
  if (!name.empty()) ensureList(spec, "volumes").push_back(renderTokenVolume(name));
}

// What a node shows of a static pod has no account: the pod runs without the API.
void requireNoAccount(const AdmissionRequest& request, const json::Object& spec) {
  const auto refuse = [&](const char* what) {
    throw meta::forbidden({"", "pods"}, request.name, fmt::format("a mirror pod may not {}", what));
  };
  if (!getString(spec, "serviceAccountName").empty()) refuse("reference service accounts");
  for (const json::Value& volume : arrayAt(spec, "volumes")) {
    if (json::find(volume, "secret")) refuse("reference secrets");
    for (const json::Value& source : arrayAt(volume, "projected.sources")) {
      if (json::find(source, "serviceAccountToken")) refuse("use ServiceAccountToken volume projections");
    }
  }
}

bool isMirrorPod(const AdmissionRequest& request) {
  return objectAt(request.object, "metadata.annotations").contains("kubernetes.io/config.mirror");
}

void applyServiceAccount(AdmissionRequest& request, json::Object& spec) {
  if (isMirrorPod(request)) return requireNoAccount(request, spec);
  std::string name(getString(spec, "serviceAccountName", getString(spec, "serviceAccount")));
  if (name.empty()) name = "default";
  spec["serviceAccountName"] = name;
  spec["serviceAccount"] = name;
  meta::ObjectPtr account = request.objects.find({"", "serviceaccounts"}, request.ns, name);
  if (!account) {
    throw meta::forbidden(
        {"", "pods"}, request.name,
        fmt::format("error looking up service account {}/{}: serviceaccount \"{}\" not found", request.ns, name, name));
  }
  const json::Value* secrets = json::find(account->tree(), "imagePullSecrets");
  const json::Value* own = spec.if_contains("imagePullSecrets");
  if (secrets && secrets->is_array() && (!own || own->as_array().empty())) spec["imagePullSecrets"] = *secrets;
  bool wanted = json::getBool(account->tree(), "automountServiceAccountToken", true);
  if (json::getBool(spec, "automountServiceAccountToken", wanted)) mountToken(spec);
}

// -- Priority -------------------------------------------------------------------------------------------------------

meta::ObjectPtr findDefaultClass(const ObjectReader& objects) {
  meta::ObjectPtr found;
  for (const meta::ObjectPtr& candidate : objects.list({"scheduling.k8s.io", "priorityclasses"}, "")) {
    if (!json::getBool(candidate->tree(), "globalDefault")) continue;
    bool lower = !found || json::getInt(candidate->tree(), "value") < json::getInt(found->tree(), "value");
    if (lower) found = candidate;
  }
  return found;
}

void applyPriority(AdmissionRequest& request, json::Object& spec) {
  std::string name(getString(spec, "priorityClassName"));
  meta::ObjectPtr priorityClass = name.empty()
                                      ? findDefaultClass(request.objects)
                                      : request.objects.find({"scheduling.k8s.io", "priorityclasses"}, "", name);
  if (!name.empty() && !priorityClass) {
    throw meta::forbidden({"", "pods"}, request.name, fmt::format("no PriorityClass with name {} was found", name));
  }
  int64_t priority = priorityClass ? json::getInt(priorityClass->tree(), "value") : 0;
  if (spec.contains("priority") && json::getInt(spec, "priority") != priority) {
    throw meta::forbidden({"", "pods"}, request.name,
                          fmt::format("the integer value of priority ({}) must not be provided in pod spec; priority "
                                      "admission controller computed {} from the given PriorityClass name",
                                      json::getInt(spec, "priority"), priority));
  }
  if (priorityClass && name.empty()) spec["priorityClassName"] = priorityClass->metadata().name();
  spec["priority"] = priority;
  if (!spec.contains("preemptionPolicy")) {
    spec["preemptionPolicy"] = priorityClass
                                   ? getString(priorityClass->tree(), "preemptionPolicy", "PreemptLowerPriority")
                                   : "PreemptLowerPriority";
  }
}

// -- DefaultTolerationSeconds ---------------------------------------------------------------------------------------

bool tolerates(const json::Array& tolerations, std::string_view taint) {
  return std::any_of(tolerations.begin(), tolerations.end(), [&](const json::Value& toleration) {
    std::string_view key = getString(toleration, "key"), effect = getString(toleration, "effect");
    return (key == taint || key.empty()) && (effect == "NoExecute" || effect.empty());
  });
}

void applyTolerations(json::Object& spec) {
  json::Array& tolerations = ensureList(spec, "tolerations");
  for (const char* taint : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    if (tolerates(tolerations, taint)) continue;
    tolerations.push_back(
        {{"key", taint}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", kTolerationSeconds}});
  }
}

// -- LimitRanger ----------------------------------------------------------------------------------------------------

void applyLimitRanges(AdmissionRequest& request) {
  for (const meta::ObjectPtr& limitRange : request.objects.list({"", "limitranges"}, request.ns)) {
    applyLimitRange(limitRange->tree(), request.object.as_object());
  }
}

void refuseBeyondLimits(const AdmissionRequest& request, const json::Object& spec) {
  std::vector<std::string> broken;
  for (const meta::ObjectPtr& limitRange : request.objects.list({"", "limitranges"}, request.ns)) {
    for (std::string& why : checkPodLimits(limitRange->tree(), spec)) broken.push_back(std::move(why));
  }
  if (broken.empty()) return;
  std::string sentence = base::join(broken, ", ");
  throw meta::forbidden({"", "pods"}, request.name, broken.size() == 1 ? sentence : "[" + sentence + "]");
}

// -- updates --------------------------------------------------------------------------------------------------------

// The parts of a spec that may change: images, the deadline (to less), tolerations (to more), and the grace period of a
// pod that never had a sane one. What remains must be equal.
json::Object withoutMutable(const json::Object& original) {
  json::Object spec = original;
  for (const char* list : {"initContainers", "containers"}) {
    if (!spec.contains(list)) continue;
    for (json::Value& container : ensureList(spec, list)) {
      if (container.is_object()) container.get_object().erase("image");
    }
  }
  for (const char* field : {"activeDeadlineSeconds", "tolerations", "schedulingGates", "nodeName"}) {
    spec.erase(field);
  }
  return spec;
}

json::Object withoutSeconds(const json::Value& toleration) {
  json::Object rest = toleration.as_object();
  rest.erase("tolerationSeconds");
  return rest;
}

bool keepsTolerations(const json::Object& spec, const json::Object& old) {
  const json::Array &now = arrayAt(spec, "tolerations"), &before = arrayAt(old, "tolerations");
  return std::all_of(before.begin(), before.end(), [&](const json::Value& toleration) {
    return std::any_of(now.begin(), now.end(), [&](const json::Value& each) {
      return json::equal(withoutSeconds(each), withoutSeconds(toleration));
    });
  });
}

void checkDeadline(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors) {
  if (!old.contains("activeDeadlineSeconds")) return;
  int64_t before = json::getInt(old, "activeDeadlineSeconds"), now = json::getInt(spec, "activeDeadlineSeconds");
  if (spec.contains("activeDeadlineSeconds") && now <= before) return;
  errors.push_back(meta::invalidField("spec.activeDeadlineSeconds", now,
                                      fmt::format("must be less than or equal to previous value {}", before)));
}

// Gates keep a pod from being scheduled; they are opened, never added (KEP-3521).
void checkGates(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors) {
  const json::Array& before = arrayAt(old, "schedulingGates");
  forEachItem(
      arrayAt(spec, "schedulingGates"), "spec.schedulingGates", [&](const json::Value& gate, const std::string& at) {
        if (std::find(before.begin(), before.end(), gate) != before.end()) return;
        errors.push_back(meta::forbiddenField(at + ".name", "only deletion is allowed, but found new scheduling gate"));
      });
}

void validateUpdate(const AdmissionRequest& request, meta::FieldErrors& errors) {
  const json::Object& spec = request.object.at("spec").as_object();
  const json::Object& old = request.old->at("spec").as_object();
  checkDeadline(spec, old, errors);
  if (!keepsTolerations(spec, old)) {
    errors.push_back(meta::forbiddenField("spec.tolerations",
                                          "existing toleration can not be modified except its tolerationSeconds"));
  }
  checkGates(spec, old, errors);
  bool sameNode = getString(spec, "nodeName") == getString(old, "nodeName");
  json::Object rest = withoutMutable(spec), oldRest = withoutMutable(old);
  if (mayMoveElsewhere(old)) {
    validateGatedUpdate(spec, old, errors);
    eraseNodeChoice(rest);
    eraseNodeChoice(oldRest);
  }
  if (!sameNode || !json::equal(rest, oldRest)) {
    errors.push_back(meta::forbiddenField(
        "spec",
        "pod updates may not change fields other than `spec.containers[*].image`,"
        "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
        "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
        "previously negative)"));
  }
}

}  // namespace

void preparePod(AdmissionRequest& request) {
  bool changesSpec = request.subresource.empty() || request.subresource == "ephemeralcontainers";
  if (!changesSpec || request.operation == Operation::kDelete) return;
  json::Object& object = request.object.as_object();
  json::Object& spec = json::ensureObject(object, "spec");
  applyPodSpecDefaults(spec);
  if (!creates(request)) return;
  if (getString(spec, "terminationGracePeriodSeconds").empty() &&
      json::getInt(spec, "terminationGracePeriodSeconds") < 0) {
    spec["terminationGracePeriodSeconds"] = 1;  // a negative grace is the shortest one
  }
  applyServiceAccount(request, spec);
  applyLimitRanges(request);
  applyPriority(request, spec);
  applyTolerations(spec);
  applyLabelKeys(spec, objectAt(request.object, "metadata.labels"));
  json::Value status = {{"phase", "Pending"}, {"qosClass", qosClass(spec)}};
  if (auto conditions = conditionsOfGated(spec); !conditions.empty()) status.as_object()["conditions"] = conditions;
  object["status"] = std::move(status);
}

void validatePod(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (request.operation == Operation::kDelete || request.subresource == "status") return;
  const json::Object& object = request.object.as_object();
  const json::Value* spec = object.if_contains("spec");
  if (!spec || !spec->is_object()) return;
  validatePodSpec(spec->get_object(), "spec", errors);
  if (updatesMain(request)) validateUpdate(request, errors);
  if (request.old && request.subresource == "ephemeralcontainers") {
    validateEphemeralContainersUpdate(spec->get_object(), objectAt(*request.old, "spec"), errors);
  }
  if (creates(request) && !arrayAt(spec->get_object(), "ephemeralContainers").empty()) {
    errors.push_back(meta::forbiddenField("spec.ephemeralContainers", "cannot be set on create"));
  }
  if (creates(request) && mayMoveElsewhere(spec->get_object()) && !getString(*spec, "nodeName").empty()) {
    errors.push_back(
        meta::forbiddenField("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  if (creates(request) && errors.empty()) refuseBeyondLimits(request, spec->get_object());
}

}  // namespace wherry::apiserver
