#include "scheduler/cluster_cache.h"

#include <algorithm>

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
  const bool isNew = !info.known();
  info.setNode(std::move(node));
  if (isNew) listKnownNodes();
}

void ClusterCache::removeNode(std::string_view name) {
  const auto found = nodes_.find(name);
  if (found == nodes_.end()) return;
  found->second.setNode({});
  if (found->second.empty()) nodes_.erase(found);
  listKnownNodes();
}

void ClusterCache::listKnownNodes() {
  knownNodes_.clear();
  for (const auto& [name, node] : nodes_) {
    if (node.known()) knownNodes_.push_back(&node);
  }
}

void ClusterCache::putPod(core_v1::Pod pod) {
  const auto key = pod.key();
  const std::string node(pod.spec().nodeName());
  removePod(key);
  place(key, std::make_shared<const PodInfo>(std::move(pod)), node);
}

void ClusterCache::assume(const PodInfoPtr& pod, std::string_view node) {
  removePod(pod->pod.key());
  place(pod->pod.key(), pod, node);
}

void ClusterCache::place(const meta::ObjectKey& key, PodInfoPtr info, std::string_view node) {
  NodeInfo& place = nodes_[std::string(node)];
  place.add(info);
  groups_.add(info, place);
  pods_.emplace(key, Placed{std::move(info), std::string(node)});
}

bool ClusterCache::removePod(const meta::ObjectKey& key) {
  const auto found = pods_.find(key);
  if (found == pods_.end()) return false;
  const auto node = nodes_.find(found->second.node);
  node->second.remove(found->second.info);
  groups_.remove(*found->second.info, node->second);
  if (node->second.empty() && !node->second.known()) nodes_.erase(node);
  pods_.erase(found);
  return true;
}

bool ClusterCache::removePod(const meta::ObjectKey& key, std::string_view uid) {
  const auto found = pods_.find(key);
  return found != pods_.end() && found->second.info->pod.metadata().uid() == uid && removePod(key);
}

void ClusterCache::nominate(const PodInfoPtr& pod, std::string_view node) {
  const auto key = pod->pod.key();
  forgetNomination(key);
  nominations_.emplace(key, node);
  nominated_[std::string(node)].push_back(pod);
}

bool ClusterCache::forgetNomination(const meta::ObjectKey& key) {
  const auto nomination = nominations_.extract(key);
  if (!nomination) return false;
  const auto pods = nominated_.find(nomination.mapped());
  std::erase_if(pods->second, [&](const PodInfoPtr& pod) { return pod->pod.key() == key; });
  if (pods->second.empty()) nominated_.erase(pods);
  return true;
}

std::string_view ClusterCache::nominatedNode(const meta::ObjectKey& key) const {
  const auto found = nominations_.find(key);
  return found == nominations_.end() ? std::string_view() : found->second;
}

const std::vector<PodInfoPtr>& ClusterCache::nominatedOn(std::string_view node) const {
  static const std::vector<PodInfoPtr> kNone;
  const auto found = nominated_.find(node);
  return found == nominated_.end() ? kNone : found->second;
}

void ClusterCache::putNamespace(core_v1::Namespace ns) {
  const std::string name(ns.metadata().name());
  namespaces_.insert_or_assign(name, std::move(ns));
}

void ClusterCache::removeNamespace(std::string_view name) {
  if (const auto found = namespaces_.find(name); found != namespaces_.end()) namespaces_.erase(found);
}

const json::Object& ClusterCache::labelsOfNamespace(std::string_view name) const {
  static const json::Object kNone;
  const auto found = namespaces_.find(name);
  return found == namespaces_.end() ? kNone : found->second.metadata().labels();
}

bool mayAdmitMore(const core_v1::Node& before, const core_v1::Node& after) {
  for (const auto path : {"metadata.labels", "spec.taints", "spec.unschedulable", "status.allocatable"}) {
    if (!sameField(before, after, path)) return true;
  }
  return false;
}

}  // namespace wherry::scheduler
