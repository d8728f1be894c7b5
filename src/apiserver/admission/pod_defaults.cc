#include <algorithm>
#include <map>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"
#include "meta/quantity.h"

namespace wherry::apiserver {
namespace {

// An image without tag and digest, or with the tag "latest", may be another one tomorrow.
bool mayMove(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return false;
  std::string_view last = image.substr(image.find_last_of('/') + 1);
  size_t colon = last.find(':');
  return colon == std::string_view::npos || last.substr(colon + 1) == "latest";
}

void applyPullPolicy(json::Object& container) {
  if (const json::Value* policy = container.if_contains("imagePullPolicy"); policy && *policy != json::Value(""))
    return;
  container["imagePullPolicy"] = mayMove(json::getString(container, "image")) ? "Always" : "IfNotPresent";
}

// What is limited and not requested is requested as limited.
void applyRequests(json::Object& container) {
  // A copy: it moves when a field is added beside it.
  const json::Object limits = objectAt(container, "resources.limits");
  if (limits.empty()) return;
  json::Object& requests = json::ensureObject(json::ensureObject(container, "resources"), "requests");
  for (const auto& [resource, limit] : limits) {
    if (!requests.contains(resource)) requests[resource] = limit;
  }
}

void applyHostPorts(json::Object& container) {
  json::Value* ports = container.if_contains("ports");
  if (!ports || !ports->is_array()) return;
  for (json::Value& port : ports->get_array()) {
    if (port.is_object() && json::getInt(port, "hostPort") == 0) {
      port.get_object()["hostPort"] = json::getInt(port, "containerPort");
    }
  }
}

using Resources = std::map<std::string, meta::Quantity>;

void addResources(const json::Object& container, std::string_view list, Resources& into) {
  const json::Value* values = json::find(container, list);
  if (!values || !values->is_object()) return;
  for (const auto& [name, value] : values->get_object()) {
    if (name != "cpu" && name != "memory") continue;
    auto quantity = value.is_string() ? meta::Quantity::parse(std::string_view(value.get_string())) : std::nullopt;
    if (quantity && !quantity->zero()) into[name] = into[name] + *quantity;
  }
}

}  // namespace

void applyPodSpecDefaults(json::Object& spec) {
  bool hostNetwork = json::getBool(spec, "hostNetwork");
  forEachContainer(spec, "", [&](json::Object& container, const std::string&) {
    applyPullPolicy(container);
    applyRequests(container);
    if (hostNetwork) applyHostPorts(container);
  });
}

// Guaranteed: every container has limits for cpu and memory and requests the same; BestEffort: nobody asks for
// anything.
std::string_view qosClass(const json::Object& spec) {
  Resources requests, limits;
  bool guaranteed = true;
  forEachContainer(spec, "", [&](const json::Object& container, const std::string&) {
    addResources(container, "resources.requests", requests);
    Resources own;
    addResources(container, "resources.limits", own);
    guaranteed &= own.contains("cpu") && own.contains("memory");
    for (const auto& [name, quantity] : own) limits[name] = limits[name] + quantity;
  });
  if (requests.empty() && limits.empty()) return "BestEffort";
  return guaranteed && requests == limits ? "Guaranteed" : "Burstable";
}

}  // namespace wherry::apiserver
