// Which pod a node gives up when it runs short of something, and what it is told. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kubelet/eviction/thresholds.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct ContainerUse {
  int64_t memory = 0;  // bytes, the working set
  int64_t disk = 0;    // bytes, writable layer and logs
};

// What a pod that runs takes of the node.
struct PodUse {
  core_v1::Pod pod;
  std::map<std::string, ContainerUse, std::less<>> containers;
  int64_t volumes = 0;  // bytes of its emptyDirs on the disk
  int64_t inodes = 0;
  int64_t processes = 0;

  int64_t memory() const;
  int64_t disk() const;
};

// Static pods, mirrors and what has a system priority: they are not evicted (nor refused).
bool isCritical(const core_v1::Pod& pod);

// Why a node in these conditions does not take a pod; "" when it does.
std::string refusalUnder(const std::set<std::string>& conditions, const core_v1::Pod& pod);

// In the order in which they go: those above their requests first, then by priority, then by how far above.
void rankForEviction(std::vector<PodUse>& pods, Signal signal);

// The message of status and event.
std::string evictionMessage(const PodUse& pod, const Threshold& threshold, const Supply& supply);

}  // namespace wherry::kubelet
