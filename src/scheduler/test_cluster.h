// Clusters for tests, from the YAML a user would write.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json/yaml.h"
#include "scheduler/cycle.h"

namespace wherry::scheduler {

template <typename V>
std::vector<V> objectsOf(std::string_view yaml) {
  std::vector<V> objects;
  for (auto& tree : json::parseYamlStream(yaml)) {
    objects.emplace_back(std::make_shared<const meta::Object>(std::move(tree)));
  }
  return objects;
}

// default/web with this spec, and with these labels.
inline core_v1::Pod podOf(std::string_view spec, std::string_view labels = "{}") {
  json::Value tree = json::parseYaml("{metadata: {name: web, namespace: default, uid: u}}");
  tree.as_object()["spec"] = json::parseYaml(spec);
  tree.as_object()["metadata"].as_object()["labels"] = json::parseYaml(labels);
  return core_v1::Pod(std::make_shared<const meta::Object>(std::move(tree)));
}

inline ClusterCache clusterOf(std::string_view nodes, std::string_view pods = "", std::string_view namespaces = "") {
  ClusterCache cache;
  for (const auto& node : objectsOf<core_v1::Node>(nodes)) cache.putNode(node);
  for (const auto& pod : objectsOf<core_v1::Pod>(pods)) cache.putPod(pod);
  for (const auto& ns : objectsOf<core_v1::Namespace>(namespaces)) cache.putNamespace(ns);
  return cache;
}

// The node, or the message that says why there is none.
inline std::string place(const core_v1::Pod& pod, const ClusterCache& cluster, Siblings siblings = {}) {
  const PodInfo info(pod);
  const CycleState cycle(info, cluster, std::move(siblings));
  const auto placement = decidePlacement(cycle, [](size_t) { return size_t{0}; });
  return placement.node.empty() ? placement.message : placement.node;
}

}  // namespace wherry::scheduler
