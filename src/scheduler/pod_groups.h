// PodGroups: the pods that have a node, those that are alike put together: of the same namespace, labels and affinity
// terms, all deleted or none. What is asked of "the pods that match" is asked of each group once, however many pods it
// has; replicas are one group. Not thread-safe; no clock.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "scheduler/snapshot.h"

namespace wherry::scheduler {

class PodGroups {
 public:
  struct Group {
    PodInfoPtr sample;  // one of them, or one that was: namespace, labels and terms are everybody's
    bool deleting = false;
    std::unordered_map<const NodeInfo*, int64_t> counts;  // how many of them are where

    std::string_view ns() const { return sample->pod.metadata().ns(); }
    const json::Object& labels() const { return sample->pod.metadata().labels(); }
  };
  using Groups = std::set<const Group*>;

  // REQUIRES: the node lives until its pods are removed.
  void add(const PodInfoPtr& pod, const NodeInfo& node);
  void remove(const PodInfo& pod, const NodeInfo& node);

  // Calls f(group) for all of them, or those of one namespace.
  template <typename F>
  void forEach(F&& f) const {
    for (const auto& [key, group] : groups_) f(group);
  }
  template <typename F>
  void forEachIn(std::string_view ns, F&& f) const {
    const std::string prefix = std::string(ns) + '\0';
    for (auto at = groups_.lower_bound(prefix); at != groups_.end() && at->first.starts_with(prefix); ++at) {
      f(at->second);
    }
  }
  // Those that have affinity terms of any kind; those that have required anti-affinity.
  const Groups& withTerms() const { return withTerms_; }
  const Groups& withRequiredAnti() const { return withRequiredAnti_; }

 private:
  std::map<std::string, Group, std::less<>> groups_;
  Groups withTerms_;
  Groups withRequiredAnti_;
};

}  // namespace wherry::scheduler
