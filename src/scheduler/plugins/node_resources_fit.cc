#include "scheduler/plugins/node_resources_fit.h"

#include <algorithm>
#include <array>

namespace wherry::scheduler {

namespace {

constexpr std::array<std::string_view, 2> kScored{"cpu", "memory"};

}  // namespace

Reasons filterNodeResourcesFit(const PodInfo& pod, const NodeInfo& node) {
  Reasons reasons;
  if (node.podCount() + 1 > node.allocatable().get("pods")) reasons.emplace_back("Too many pods");
  for (const auto& [name, amount] : pod.requests.amounts()) {
    const int64_t free = node.allocatable().get(name) - node.requested().get(name);
    if (amount > 0 && amount > free) reasons.push_back("Insufficient " + name);
  }
  return reasons;
}

bool exceedsNode(const PodInfo& pod, const NodeInfo& node) {
  const auto& amounts = pod.requests.amounts();
  return std::any_of(amounts.begin(), amounts.end(), [&](const auto& request) {
    return request.second > 0 && request.second > node.allocatable().get(request.first);
  });
}

int64_t scoreLeastAllocated(const PodInfo& pod, const NodeInfo& node) {
  int64_t sum = 0, counted = 0;
  for (const auto name : kScored) {
    const int64_t capacity = node.allocatable().get(name);
    if (capacity == 0) continue;
    const int64_t used = node.scoredRequested().get(name) + pod.scoredRequests.get(name);
    sum += std::max<int64_t>(capacity - used, 0) * kBestScore / capacity;
    ++counted;
  }
  return counted == 0 ? 0 : sum / counted;
}

}  // namespace wherry::scheduler
