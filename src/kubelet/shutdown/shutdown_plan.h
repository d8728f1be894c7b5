// Graceful node shutdown: in which order pods end when the machine goes down, and how long they have. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/pods/observation.h"
#include "kubelet/shutdown/shutdown_periods.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// Pods that end together. Every pod has the time of its group or its own grace period, whichever is shorter.
struct ShutdownGroup {
  std::chrono::seconds time{0};
  std::vector<core_v1::Pod> pods;
};

// First those of usual priorities, then those of system-cluster-critical and system-node-critical. Pods that are over
// are left out; a group may be empty.
std::vector<ShutdownGroup> planShutdown(const std::vector<core_v1::Pod>& pods, const ShutdownPeriods& periods);

// What a pod is told that ends, within `time` at most; and one that comes meanwhile.
PodEnd shutdownEnd(const core_v1::Pod& pod, std::chrono::seconds time);
PodEnd shutdownRefusal();

}  // namespace wherry::kubelet
