// How much of the node's disk a pod fills with what goes when it goes: writable layers, logs, emptyDir volumes; and
// whether that is more than it said it would.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "kubelet/runtime/pod_paths.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

struct DiskUsage {
  uint64_t bytes = 0;  // blocks that are taken, files with several names counted once
  uint64_t inodes = 0;
  DiskUsage& operator+=(const DiskUsage& other);
  bool operator==(const DiskUsage&) const = default;
};

struct EphemeralUsage {
  std::map<std::string, DiskUsage, std::less<>> layers{};   // by container
  std::map<std::string, DiskUsage, std::less<>> logs{};     // by container
  std::map<std::string, DiskUsage, std::less<>> volumes{};  // by name: emptyDir, also those in memory, and API objects

  // Of the node's disk: all but volumes in memory. REQUIRES: `pod` is the one that was measured.
  DiskUsage onDisk(const core_v1::Pod& pod) const;
};

// What lies below a directory (itself included), on its own file system; links are not followed. What changes
// meanwhile may be missed; what is nested deeper than 512 directories is left out. Zero for what isn't there.
DiskUsage measureDirectory(const std::string& path);

// Walks the pod's directories: takes as long as they are large. `logDirectory`: podLogDirectory() of the pod.
EphemeralUsage measureEphemeral(const core_v1::Pod& pod, const PodPaths& paths, const std::string& logDirectory);

// Whether the kubelet has a reason to measure the pod at all: some limit on its local storage. Pure.
bool limitsEphemeral(const core_v1::Pod& pod);

// The message with which a pod is evicted that uses more than its limits; nothing when it doesn't. Its emptyDirs come
// first, then the whole pod, then its containers, as upstream looks at them. Pure.
std::optional<std::string> decideExcess(const core_v1::Pod& pod, const EphemeralUsage& usage);

}  // namespace wherry::kubelet
