#include <set>

#include "base/strings.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

constexpr std::string_view kRolePrefix = "node-role.kubernetes.io/";
constexpr std::string_view kRoleLabel = "kubernetes.io/role";

Value nodeStatus(const Value& node, Now) {
  const Value* ready = findCondition(node, "Ready");
  std::string status = "Unknown";
  if (ready != nullptr) status = json::getString(*ready, "status") == "True" ? "Ready" : "NotReady";
  if (json::getBool(node, "spec.unschedulable")) status += ",SchedulingDisabled";
  return Value(status);
}

Value nodeRoles(const Value& node, Now) {
  std::set<std::string> roles;
  for (const auto& label : objectAt(node, "metadata.labels")) {
    std::string_view key = label.key();
    if (key.starts_with(kRolePrefix) && key.size() > kRolePrefix.size()) roles.emplace(key.substr(kRolePrefix.size()));
    bool isRole = key == kRoleLabel && label.value().is_string();
    if (isRole && !label.value().get_string().empty()) roles.emplace(std::string_view(label.value().get_string()));
  }
  if (roles.empty()) return Value(kNone);
  return Value(base::join({roles.begin(), roles.end()}, ","));
}

Value addressOf(const Value& node, std::string_view type) {
  for (const Value& address : arrayAt(node, "status.addresses")) {
    if (json::getString(address, "type") == type) return Value(json::getString(address, "address"));
  }
  return Value(kNone);
}
Value nodeInternalIp(const Value& node, Now) { return addressOf(node, "InternalIP"); }
Value nodeExternalIp(const Value& node, Now) { return addressOf(node, "ExternalIP"); }
Value nodeOsImage(const Value& node, Now) { return Value(textAt(node, "status.nodeInfo.osImage", kUnknown)); }
Value nodeKernelVersion(const Value& node, Now) {
  return Value(textAt(node, "status.nodeInfo.kernelVersion", kUnknown));
}
Value nodeContainerRuntime(const Value& node, Now) {
  return Value(textAt(node, "status.nodeInfo.containerRuntimeVersion", kUnknown));
}

const Value* healthyCondition(const Value& component) {
  for (const Value& condition : arrayAt(component, "conditions")) {
    if (json::getString(condition, "type") == "Healthy") return &condition;
  }
  return nullptr;
}
Value componentStatus(const Value& component, Now) {
  const Value* healthy = healthyCondition(component);
  std::string_view status = healthy == nullptr ? "" : json::getString(*healthy, "status");
  return status == "True" ? "Healthy" : status == "False" ? "Unhealthy" : "Unknown";
}
Value componentMessage(const Value& component, Now) {
  const Value* healthy = healthyCondition(component);
  return healthy == nullptr ? "" : Value(json::getString(*healthy, "message"));
}
Value componentError(const Value& component, Now) {
  const Value* healthy = healthyCondition(component);
  return healthy == nullptr ? "" : Value(json::getString(*healthy, "error"));
}

constexpr NamedCell kCells[] = {
    {"nodeStatus", nodeStatus},
    {"nodeRoles", nodeRoles},
    {"nodeInternalIP", nodeInternalIp},
    {"nodeExternalIP", nodeExternalIp},
    {"nodeOSImage", nodeOsImage},
    {"nodeKernelVersion", nodeKernelVersion},
    {"nodeContainerRuntime", nodeContainerRuntime},
    {"componentStatus", componentStatus},
    {"componentMessage", componentMessage},
    {"componentError", componentError},
};

}  // namespace

std::span<const NamedCell> nodeCells() { return kCells; }

}  // namespace wherry::schema
