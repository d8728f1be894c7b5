// TopologyCounts: how many of something there are in each topology domain: a label's key and value that nodes share.
// The texts stay the nodes' own: valid while the cluster does not change. A value; pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "scheduler/snapshot.h"

namespace wherry::scheduler {

class TopologyCounts {
 public:
  // Nothing is counted on a node without the label.
  void add(std::string_view key, const NodeInfo& node, int64_t by) {
    const auto value = node.label(key);
    if (!value || by == 0) return;
    auto& domains = counts_[key];
    if ((domains[*value] += by) != 0) return;
    domains.erase(*value);
    if (domains.empty()) counts_.erase(key);
  }

  // Of the node's domain; 0 when it has none.
  int64_t of(std::string_view key, const NodeInfo& node) const {
    const auto domains = counts_.find(key);
    return domains == counts_.end() ? 0 : in(domains->second, key, node);
  }
  bool anyOf(const NodeInfo& node) const {
    for (const auto& [key, domains] : counts_) {
      if (in(domains, key, node) > 0) return true;
    }
    return false;
  }
  int64_t sumOf(const NodeInfo& node) const {
    int64_t sum = 0;
    for (const auto& [key, domains] : counts_) sum += in(domains, key, node);
    return sum;
  }
  bool empty() const { return counts_.empty(); }

 private:
  using Domains = std::unordered_map<std::string_view, int64_t>;
  static int64_t in(const Domains& domains, std::string_view key, const NodeInfo& node) {
    const auto value = node.label(key);
    const auto found = value ? domains.find(*value) : domains.end();
    return found == domains.end() ? 0 : found->second;
  }

  std::unordered_map<std::string_view, Domains> counts_;
};

}  // namespace wherry::scheduler
