#include "scheduler/cluster_cache.h"

namespace wherry::scheduler {

namespace {

bool sameField(const core_v1::Node& before, const core_v1::Node& after, std::string_view path) {
  const auto* left = json::find(before.tree(), path);
  const auto* right = json::find(after.tree(), path);
  if (!left || !right) return left == right;
  return *left == *right;
}

}  // namespace

void ClusterCache::putNode(core_v1::Node node) {
  NodeInfo& info = nodes_[std::string(node.metadata().name())];
  info.setNode(std::move(node));
}

void ClusterCache::removeNode(std::string_view name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  found->second.setNode({});
  if (found->second.empty()) nodes_.erase(found);
}

void ClusterCache::putPod(core_v1::Pod pod) {
  const auto key = pod.key();
  const std::string node(pod.spec().nodeName());
  removePod(key);
  place(key, PodInfo(std::move(pod)), node);
}

void ClusterCache::assume(const PodInfo& pod, std::string_view node) {
  removePod(pod.pod.key());
  place(pod.pod.key(), pod, node);
}

void ClusterCache::place(const meta::ObjectKey& key, PodInfo info, std::string_view node) {
  nodes_[std::string(node)].add(info);
  pods_.emplace(key, Placed{std::move(info), std::string(node)});
}

bool ClusterCache::removePod(const meta::ObjectKey& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return false;
  const auto node = nodes_.find(found->second.node);
  node->second.remove(found->second.info);
  if (node->second.empty() && !node->second.known()) nodes_.erase(node);
  pods_.erase(found);
  return true;
}

bool mayAdmitMore(const core_v1::Node& before, const core_v1::Node& after) {
  for (const auto path : {"metadata.labels", "spec.taints", "spec.unschedulable", "status.allocatable"}) {
    if (!sameField(before, after, path)) return true;
  }
  return false;
}

}  // namespace wherry::scheduler
