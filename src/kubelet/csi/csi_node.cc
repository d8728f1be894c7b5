#include "kubelet/csi/csi_node.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::kubelet {
namespace {

constexpr const char* kNodeIds = "csi.volume.kubernetes.io/nodeid";

std::string nodeIds(const CsiDriverMap& drivers) {
  json::Object ids;
  for (const auto& [name, driver] : drivers) ids[name] = driver.info.nodeId;
  return json::serialize(ids);
}

}  // namespace

json::Array renderDrivers(const CsiDriverMap& drivers) {
  json::Array out;
  for (const auto& [name, driver] : drivers) {
    json::Object entry{{"name", name}, {"nodeID", driver.info.nodeId}};
    json::Array keys;
    for (const auto& [key, value] : driver.info.topology) keys.emplace_back(key);
    if (!keys.empty()) entry["topologyKeys"] = std::move(keys);
    if (driver.info.maxVolumes > 0) entry["allocatable"] = json::Object{{"count", driver.info.maxVolumes}};
    out.push_back(std::move(entry));
  }
  return out;
}

json::Value renderCsiNode(const meta::Object& node, const CsiDriverMap& drivers) {
  const auto metadata = node.metadata();
  json::Object owner{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", metadata.name()}, {"uid", metadata.uid()}};
  return json::Object{
      {"apiVersion", "storage.k8s.io/v1"},
      {"kind", "CSINode"},
      {"metadata", json::Object{{"name", metadata.name()}, {"ownerReferences", json::Array{std::move(owner)}}}},
      {"spec", json::Object{{"drivers", renderDrivers(drivers)}}}};
}

json::Object nodePatch(const meta::Object& node, const CsiDriverMap& drivers) {
  json::Object metadata, labels;
  const std::string ids = nodeIds(drivers), before(node.metadata().annotation(kNodeIds));
  if (drivers.empty() && !before.empty()) metadata["annotations"] = json::Object{{kNodeIds, nullptr}};
  if (!drivers.empty() && before != ids) metadata["annotations"] = json::Object{{kNodeIds, ids}};
  for (const auto& [name, driver] : drivers) {
    for (const auto& [key, value] : driver.info.topology) {
      if (node.metadata().label(key) != value) labels[key] = value;
    }
  }
  if (!labels.empty()) metadata["labels"] = std::move(labels);
  if (metadata.empty()) return {};
  return {{"metadata", std::move(metadata)}};
}

std::string registrationError(const PluginInfo& plugin) {
  if (plugin.type != "CSIPlugin") return fmt::format("no handler registered for plugin type: {}", plugin.type);
  if (plugin.name.empty() || plugin.name.find('/') != std::string::npos) return "the plugin has no name";
  bool known = std::any_of(plugin.versions.begin(), plugin.versions.end(),
                           [](const std::string& version) { return version.starts_with("1.") || version == "1"; });
  if (known) return {};
  return fmt::format("unsupported CSI versions of driver {}: none of them is 1.x", plugin.name);
}

}  // namespace wherry::kubelet
