// Nodes: a new one takes no pods until it is said to be ready, and what identifies it to the cloud stays.
#include <algorithm>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr const char* kNotReady = "node.kubernetes.io/not-ready";

void addNotReadyTaint(json::Object& spec) {
  json::Array& taints = json::ensureArray(spec, "taints");
  bool there = std::any_of(taints.begin(), taints.end(), [](const json::Value& taint) {
    return getString(taint, "key") == kNotReady && getString(taint, "effect") == "NoSchedule";
  });
  if (!there) taints.push_back({{"key", kNotReady}, {"effect", "NoSchedule"}});
}

// podCIDR and the first of podCIDRs are one field in two shapes.
void agreeOnPodCidrs(json::Object& spec) {
  std::string cidr(getString(spec, "podCIDR"));
  const json::Array list = arrayAt(spec, "podCIDRs");
  if (!cidr.empty() && list.empty())
    spec["podCIDRs"] = json::Array{json::Value(cidr)};
  else if (cidr.empty() && !list.empty())
    spec["podCIDR"] = list[0];
}

void checkTaints(const json::Value& node, meta::FieldErrors& errors) {
  std::vector<std::pair<std::string_view, std::string_view>> seen;
  forEachItem(arrayAt(node, "spec.taints"), "spec.taints", [&](const json::Value& taint, const std::string& path) {
    std::string_view key = getString(taint, "key"), value = getString(taint, "value"),
                     effect = getString(taint, "effect");
    if (!key.empty()) addInvalid(path + ".key", json::Value(key), meta::checkQualifiedName(key), errors);
    addInvalid(path + ".value", json::Value(value), meta::checkLabelValue(value), errors);
    if (std::find(seen.begin(), seen.end(), std::pair(key, effect)) != seen.end()) {
      errors.push_back(meta::duplicateField(path, taint));
    }
    seen.emplace_back(key, effect);
  });
}

}  // namespace

void prepareNode(AdmissionRequest& request) {
  if (request.operation == Operation::kDelete) return;
  json::Object& object = request.object.as_object();
  if (creates(request)) addNotReadyTaint(json::ensureObject(object, "spec"));
  if (json::Value* spec = object.if_contains("spec"); spec && spec->is_object()) agreeOnPodCidrs(spec->get_object());
  const json::Object capacity = objectAt(object, "status.capacity");
  if (!capacity.empty() && objectAt(object, "status.allocatable").empty()) {
    json::ensureObject(object, "status")["allocatable"] = capacity;
  }
}

void validateNode(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (request.operation == Operation::kDelete) return;
  checkTaints(request.object, errors);
  if (!request.old) return;
  for (const char* field : {"podCIDR", "providerID"}) {
    std::string path = std::string("spec.") + field;
    std::string_view before = getString(*request.old, path);
    if (before.empty() || before == getString(request.object, path)) continue;
    errors.push_back(
        meta::forbiddenField(path, std::string("node updates may not change ") + field + " except from \"\" to valid"));
  }
}

}  // namespace wherry::apiserver
