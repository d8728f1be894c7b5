#include "scheduler/pod_groups.h"

#include <algorithm>
#include <vector>

namespace wherry::scheduler {

namespace {

void appendLabels(const json::Object& labels, std::string& key) {
  std::vector<std::pair<std::string_view, const json::Value*>> sorted;
  for (const auto& label : labels) sorted.emplace_back(label.key(), &label.value());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, value] : sorted) {
    key.append(name).push_back('=');
    if (value->is_string()) key.append(value->get_string());
    key.push_back('\0');
  }
}

std::string keyOf(const PodInfo& pod) {
  const auto metadata = pod.pod.metadata();
  std::string key(metadata.ns());
  key.push_back('\0');
  key.push_back(metadata.deleting() ? 'd' : '-');
  appendLabels(metadata.labels(), key);
  if (pod.affinity.empty()) return key;
  for (const char* field : {"podAffinity", "podAntiAffinity"}) {
    key.push_back('\0');
    if (const auto* terms = pod.pod.spec().affinity().field(field)) key += json::serialize(*terms);
  }
  return key;
}

}  // namespace

void PodGroups::add(const PodInfoPtr& pod, const NodeInfo& node) {
  const auto [found, isNew] = groups_.try_emplace(keyOf(*pod));
  Group& group = found->second;
  ++group.counts[&node];
  if (!isNew) return;
  group.sample = pod;
  group.deleting = pod->pod.metadata().deleting();
  if (!pod->affinity.empty()) withTerms_.insert(&group);
  if (!pod->affinity.requiredAnti.empty()) withRequiredAnti_.insert(&group);
}

void PodGroups::remove(const PodInfo& pod, const NodeInfo& node) {
  const auto found = groups_.find(keyOf(pod));
  if (found == groups_.end()) return;
  Group& group = found->second;
  if (--group.counts[&node] == 0) group.counts.erase(&node);
  if (!group.counts.empty()) return;
  withTerms_.erase(&group);
  withRequiredAnti_.erase(&group);
  groups_.erase(found);
}

}  // namespace wherry::scheduler
