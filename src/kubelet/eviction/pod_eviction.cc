#include "kubelet/eviction/pod_eviction.h"

#include "base/log.h"
#include "kubelet/eviction/pod_use.h"
#include "kubelet/volumes/usage.h"

namespace wherry::kubelet {

namespace {

constexpr std::chrono::seconds kAtOnce{1};  // what a pod has to end that exceeds its limits, as upstream's

bool isEnding(const core_v1::Pod& pod) {
  const auto phase = pod.status().phase();
  return pod.metadata().deleting() || phase == "Failed" || phase == "Succeeded";
}

}  // namespace

std::vector<PodUse> PodEviction::candidates(NodePressureOptions::Measure what) const {
  std::vector<PodUse> out;
  for (const meta::ObjectPtr& object : options_.pods()) {
    const core_v1::Pod pod(object);
    if (isEnding(pod) || isCritical(pod)) continue;
    const std::string uid(pod.metadata().uid());
    const bool disk = what == NodePressureOptions::Measure::kDisk;
    if (disk ? !options_.holdings.any(uid) : !options_.holdings.runs(uid)) continue;
    out.push_back(readPodUse(pod, options_.holdings.containers, options_.logDir, what));
  }
  return out;
}

void PodEviction::evict(const core_v1::Pod& pod, PodEnd end) const {
  base::Log("kubelet").warn("pod {} is evicted: {}", pod.key().text(), end.message);
  options_.events.record(*pod.object(), client::Severity::kWarning, end.reason, end.message);
  options_.end(std::string(pod.metadata().uid()), std::move(end));
}

std::optional<int64_t> PodEviction::enforceLimits() const {
  std::optional<int64_t> taken;
  for (const meta::ObjectPtr& object : options_.pods()) {
    const core_v1::Pod pod(object);
    if (!limitsEphemeral(pod) || isEnding(pod)) continue;
    const auto metadata = pod.metadata();
    const auto podLogs = podLogDirectory(options_.logDir, metadata.ns(), metadata.name(), metadata.uid());
    const auto usage = measureEphemeral(pod, options_.holdings.containers.pathsOf(metadata.uid()), podLogs);
    taken = taken.value_or(0) + static_cast<int64_t>(usage.onDisk(pod).bytes);
    const auto why = decideExcess(pod, usage);
    if (why && !isCritical(pod)) evict(pod, {.reason = "Evicted", .message = *why, .grace = kAtOnce});
  }
  return taken;
}

}  // namespace wherry::kubelet
