#include "scheduler/plugins/balanced_allocation.h"

#include <algorithm>
#include <cmath>

namespace wherry::scheduler {

namespace {

double usedPart(const PodInfo& pod, const NodeInfo& node, std::string_view name) {
  const int64_t capacity = node.allocatable().get(name);
  if (capacity == 0) return 1;
  const int64_t used = node.requested().get(name) + pod.requests.get(name);
  return std::min(static_cast<double>(used) / static_cast<double>(capacity), 1.0);
}

}  // namespace

int64_t scoreBalancedAllocation(const PodInfo& pod, const NodeInfo& node) {
  // The standard deviation of two values is half their distance.
  const double deviation = std::abs(usedPart(pod, node, "cpu") - usedPart(pod, node, "memory")) / 2;
  return static_cast<int64_t>((1 - deviation) * static_cast<double>(kBestScore));
}

}  // namespace wherry::scheduler
