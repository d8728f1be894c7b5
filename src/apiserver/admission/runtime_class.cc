// RuntimeClass (KEP-585, KEP-688): what a pod's runtime costs, and where it can run.
#include <algorithm>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"

namespace wherry::apiserver {
namespace {

[[noreturn]] void reject(const AdmissionRequest& request, const std::string& why) {
  throw meta::forbidden({"", "pods"}, request.name, "pod rejected: " + why);
}

void applyOverhead(const AdmissionRequest& request, const json::Value& runtimeClass, json::Object& spec) {
  const json::Object& fixed = objectAt(runtimeClass, "overhead.podFixed");
  const json::Value* given = spec.if_contains("overhead");
  if (fixed.empty() && !given) return;
  if (given && !json::equal(*given, json::Value(fixed))) {
    reject(request, "Pod's Overhead doesn't match RuntimeClass's defined Overhead");
  }
  spec["overhead"] = fixed;
}

void applyScheduling(const AdmissionRequest& request, const json::Value& runtimeClass, json::Object& spec) {
  for (const auto& [key, value] : objectAt(runtimeClass, "scheduling.nodeSelector")) {
    json::Object& selector = json::ensureObject(spec, "nodeSelector");
    if (const json::Value* there = selector.if_contains(key); there && *there != value) {
      reject(request,
             fmt::format("conflict: runtimeClass.scheduling.nodeSelector[{}] = {}; pod.spec.nodeSelector[{}] = {}",
                         std::string(key), textOf(value), std::string(key), textOf(*there)));
    }
    selector[key] = value;
  }
  json::Array& tolerations = json::ensureArray(spec, "tolerations");
  for (const json::Value& toleration : arrayAt(runtimeClass, "scheduling.tolerations")) {
    if (std::find(tolerations.begin(), tolerations.end(), toleration) == tolerations.end()) {
      tolerations.push_back(toleration);
    }
  }
}

}  // namespace

void prepareRuntimeClass(AdmissionRequest& request) {
  if (!creates(request)) return;
  json::Object& spec = json::ensureObject(request.object.as_object(), "spec");
  std::string name(json::getString(spec, "runtimeClassName"));
  if (name.empty()) {
    if (!objectAt(spec, "overhead").empty()) {
      reject(request, "Pod Overhead set without corresponding RuntimeClass defined Overhead");
    }
    return;
  }
  auto runtimeClass = request.objects.find({"node.k8s.io", "runtimeclasses"}, "", name);
  if (!runtimeClass) reject(request, fmt::format("RuntimeClass \"{}\" not found", name));
  applyOverhead(request, runtimeClass->tree(), spec);
  applyScheduling(request, runtimeClass->tree(), spec);
}

}  // namespace wherry::apiserver
