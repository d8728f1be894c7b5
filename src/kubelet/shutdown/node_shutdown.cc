#include "kubelet/shutdown/node_shutdown.h"

#include <algorithm>

#include "base/log.h"

namespace wherry::kubelet {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// For what comes after a pod's own time: SIGKILL, its last status, storage that is taken back.
constexpr std::chrono::seconds kLeeway{4};

std::vector<core_v1::Pod> allOf(const std::vector<meta::ObjectPtr>& objects) {
  return {objects.begin(), objects.end()};
}

}  // namespace

void NodeShutdown::run() {
  if (!begun_.exchange(true)) {
    base::Log("kubelet").info("the machine goes down: all pods end");
    options_.onBegin();
  }
  const auto pods = allOf(options_.pods());
  const auto groups = planShutdown(pods, options_.periods);
  for (const ShutdownGroup& group : groups) {
    for (const auto& pod : group.pods) options_.end(std::string(pod.metadata().uid()), shutdownEnd(pod, group.time));
    // At last also for those that were over before, or were deleted: their storage may still be mounted.
    waitFor(&group == &groups.back() ? allOf(options_.pods()) : group.pods, group.time + kLeeway);
  }
}

void NodeShutdown::check() { checks_.publish(++count_); }

// What the pods hold is read without a lock: a check that comes meanwhile is another number.
void NodeShutdown::waitFor(const std::vector<core_v1::Pod>& pods, std::chrono::seconds time) {
  const auto deadline = steady_clock::now() + time;
  for (;;) {
    const uint64_t seen = *checks_.load();
    const bool any = std::any_of(pods.begin(), pods.end(), [&](const core_v1::Pod& pod) {
      return options_.holds(std::string(pod.metadata().uid()));
    });
    if (!any) return;
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left <= milliseconds(0)) return;
    checks_.waitUntil([&](uint64_t now) { return now != seen; }, left);
  }
}

}  // namespace wherry::kubelet
