#include "kubelet/shutdown/shutdown_plan.h"

#include <algorithm>

namespace wherry::kubelet {

namespace {

using std::chrono::seconds;

constexpr int64_t kSystemCritical = 2'000'000'000;
constexpr int64_t kDefaultGrace = 30;

bool isOver(const core_v1::Pod& pod) {
  const auto phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed";
}

}  // namespace

std::vector<ShutdownGroup> planShutdown(const std::vector<core_v1::Pod>& pods, const ShutdownPeriods& periods) {
  std::vector<ShutdownGroup> groups(2);
  groups[0].time = std::max(periods.total - periods.critical, seconds(0));
  groups[1].time = std::min(periods.critical, periods.total);
  for (const auto& pod : pods) {
    if (!isOver(pod)) groups[pod.spec().priority() >= kSystemCritical ? 1 : 0].pods.push_back(pod);
  }
  return groups;
}

PodEnd shutdownEnd(const core_v1::Pod& pod, seconds time) {
  const seconds own(pod.spec().terminationGracePeriodSecondsOr(kDefaultGrace));
  return {.reason = "Terminated",
          .message = "Pod was terminated in response to imminent node shutdown.",
          .grace = std::min(own, time)};
}

PodEnd shutdownRefusal() {
  return {.reason = "NodeShutdown",
          .message = "Pod was rejected as the node is shutting down.",
          .kind = PodEnd::Kind::kRefused};
}

}  // namespace wherry::kubelet
