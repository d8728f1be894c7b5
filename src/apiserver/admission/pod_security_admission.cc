// PodSecurity: holds pods to the standard that their namespace's labels name, and tells about those that would break
// the one that they warn or audit by; workloads are only told about.
#include <algorithm>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "apiserver/podsecurity/namespace_policy.h"

namespace wherry::apiserver {
namespace {

using json::getString;
using podsecurity::LevelVersion;
using podsecurity::NamespacePolicy;
using podsecurity::PodParts;

constexpr std::string_view kSeccompPod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr const char* kAudit = "pod-security.kubernetes.io/";

bool isPod(const AdmissionRequest& request) {
  return request.kind.resource.resource == "pods" && request.kind.resource.group.empty();
}

NamespacePolicy policyOf(const AdmissionRequest& request) {
  auto ns = request.objects.find({"", "namespaces"}, "", request.ns);
  return ns ? podsecurity::readPolicy(objectAt(ns->tree(), "metadata.labels")) : NamespacePolicy();
}

// Where a kind keeps the pod that it describes; "" is the pod itself, null one that describes none.
const char* templatePath(const schema::Kind& kind) {
  const auto& resource = kind.resource;
  if (resource.group.empty() && resource.resource == "pods") return "";
  if (resource.group.empty() && resource.resource == "podtemplates") return "template";
  if (resource.resource == "cronjobs" && resource.group == "batch") return "spec.jobTemplate.spec.template";
  bool workload =
      (resource.group.empty() && resource.resource == "replicationcontrollers") ||
      (resource.group == "batch" && resource.resource == "jobs") ||
      (resource.group == "apps" && (resource.resource == "deployments" || resource.resource == "daemonsets" ||
                                    resource.resource == "replicasets" || resource.resource == "statefulsets"));
  return workload ? "spec.template" : nullptr;
}

// -- what an update of a pod can change -----------------------------------------------------------------------------

const json::Object* findContainer(const json::Array& containers, std::string_view name) {
  auto at = std::find_if(containers.begin(), containers.end(),
                         [&](const json::Value& each) { return getString(each, "name") == name; });
  return at == containers.end() || !at->is_object() ? nullptr : &at->get_object();
}

bool sameImages(const json::Array& now, const json::Array& before) {
  return now.size() == before.size() && std::all_of(now.begin(), now.end(), [&](const json::Value& container) {
           const json::Object* old = findContainer(before, getString(container, "name"));
           return old && getString(*old, "image") == getString(container, "image");
         });
}

std::string seccompAnnotations(const json::Value& pod) {
  std::string text;
  for (const auto& [key, value] : objectAt(pod, "metadata.annotations")) {
    bool ours = key == kSeccompPod || key.starts_with("container.seccomp.security.alpha.kubernetes.io/");
    if (ours) text.append(key).append("=").append(textOf(value)).append("\n");
  }
  return text;
}

bool matters(const json::Value& pod, const json::Value& old) {
  if (seccompAnnotations(pod) != seccompAnnotations(old)) return true;
  for (const char* list : {"spec.initContainers", "spec.containers", "spec.ephemeralContainers"}) {
    if (!sameImages(arrayAt(pod, list), arrayAt(old, list))) return true;
  }
  return false;
}

// -- the check ------------------------------------------------------------------------------------------------------

std::string violationText(const char* how, const LevelVersion& standard,
                          const std::vector<podsecurity::Violation>& violations) {
  return fmt::format("{} PodSecurity \"{}\": {}", how, standard.text(), podsecurity::renderDetails(violations));
}

void enforce(AdmissionRequest& request, const LevelVersion& standard, const PodParts& pod) {
  request.auditAnnotations[std::string(kAudit) + "enforce-policy"] = standard.text();
  auto violations = evaluatePod(standard, pod);
  if (violations.empty()) return;
  throw meta::forbidden(request.kind.resource.groupResource(), request.name,
                        violationText("violates", standard, violations));
}

void tell(AdmissionRequest& request, const NamespacePolicy& policy, const PodParts& pod) {
  if (!policy.errors.empty()) {
    request.auditAnnotations[std::string(kAudit) + "error"] =
        "Failed to parse policy: " + policy.errors.front().field + ": " + policy.errors.front().message();
  }
  if (auto violations = evaluatePod(policy.audit, pod); !violations.empty()) {
    request.auditAnnotations[std::string(kAudit) + "audit-violations"] =
        violationText("would violate", policy.audit, violations);
  }
}

void warn(AdmissionRequest& request, const NamespacePolicy& policy, const PodParts& pod) {
  auto violations = evaluatePod(policy.warn, pod);
  if (!violations.empty()) request.warnings.push_back(violationText("would violate", policy.warn, violations));
}

void checkPods(AdmissionRequest& request, const std::string& path) {
  bool changesPods = request.subresource.empty() || request.subresource == "ephemeralcontainers";
  if (!changesPods) return;
  NamespacePolicy policy = policyOf(request);
  if (policy.errors.empty() && policy.asksNothing()) return;
  if (isPod(request) && request.old && !matters(request.object, *request.old)) return;
  std::string prefix = path.empty() ? "" : path + ".";
  PodParts pod{objectAt(request.object, prefix + "metadata"), objectAt(request.object, prefix + "spec")};
  if (pod.spec.empty()) return;
  tell(request, policy, pod);
  if (isPod(request)) enforce(request, policy.enforce, pod);
  warn(request, policy, pod);
}

// -- namespaces -----------------------------------------------------------------------------------------------------

bool isStricter(const LevelVersion& now, const LevelVersion& before) {
  if (now == before || now.level == podsecurity::Level::kPrivileged) return false;
  return now.minor != before.minor || now.level > before.level;
}

void checkNamespace(AdmissionRequest& request) {
  if (!updatesMain(request)) return;
  auto now = podsecurity::readPolicy(objectAt(request.object, "metadata.labels"));
  auto before = podsecurity::readPolicy(objectAt(*request.old, "metadata.labels"));
  if (!isStricter(now.enforce, before.enforce)) return;
  auto pods = request.objects.list({"", "pods"}, request.name);
  std::vector<const json::Value*> trees;
  for (const meta::ObjectPtr& pod : pods) trees.push_back(&pod->tree());
  for (std::string& warning : podsecurity::warnOfPods(request.name, now.enforce, trees)) {
    request.warnings.push_back(std::move(warning));
  }
}

}  // namespace

bool describesPods(const schema::Kind& kind) { return templatePath(kind) != nullptr; }

void checkPodSecurity(AdmissionRequest& request) {
  if (const char* path = templatePath(request.kind)) return checkPods(request, path);
  checkNamespace(request);
}

// Labels that can't be read are refused, unless they were so before.
void validateNamespace(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  auto policy = podsecurity::readPolicy(objectAt(request.object, "metadata.labels"));
  meta::FieldErrors before;
  if (request.old) before = podsecurity::readPolicy(objectAt(*request.old, "metadata.labels")).errors;
  for (const meta::FieldError& error : policy.errors) {
    bool known = std::any_of(before.begin(), before.end(), [&](const meta::FieldError& each) {
      return each.field == error.field && each.message() == error.message();
    });
    if (!known) errors.push_back(error);
  }
}

}  // namespace wherry::apiserver
