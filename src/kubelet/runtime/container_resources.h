// resources.requests and limits of a container, as the kernel counts them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "json/value.h"
#include "linux/cgroups.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct ContainerResources {
  uint64_t cpuShares = 2;              // cgroup v1 weight: 1024 a core
  std::optional<int64_t> cpuQuota;     // microseconds in a period of 100 ms
  std::optional<int64_t> memoryLimit;  // bytes
  int oomScoreAdj = 1000;
};

inline constexpr int64_t kCpuPeriod = 100'000;  // microseconds

// `qosClass` is the pod's (status.qosClass), `memoryCapacity` the node's, in bytes.
ContainerResources containerResources(const core_v1::Container& container, std::string_view qosClass,
                                      int64_t memoryCapacity);

// What the containers of a pod may have together, as far as each of them has a limit, and what they have asked for.
// Init containers count by the one that wants most beside the sidecars before it; spec.resources, where it says
// something, instead of all of them. A pod may have so many processes.
inline constexpr int64_t kPodProcesses = 16'384;
linux::CgroupLimits podLimits(const core_v1::Pod& pod);

// One entry of requests or limits, in thousandths and in whole units; nothing when missing or no quantity.
std::optional<int64_t> milliOf(const schema::StringMap& list, std::string_view resource);
std::optional<int64_t> valueOf(const schema::StringMap& list, std::string_view resource);

}  // namespace wherry::kubelet
