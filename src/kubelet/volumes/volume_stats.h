// How full a pod's volumes are, as /stats/summary shows it (VolumeStats of stats.k8s.io v1alpha1). Read when it is
// asked for, and at no other time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "json/value.h"
#include "kubelet/csi/csi_volume.h"
#include "kubelet/pods/pod_facts.h"
#include "kubelet/runtime/pod_paths.h"

namespace wherry::kubelet {

struct VolumeStats {
  std::string name;   // in the pod
  std::string claim;  // "" for none
  CsiVolumeStats numbers;
};

// What a storage driver says; nothing when it doesn't.
using AskDriver = std::function<std::optional<CsiVolumeStats>(const CsiVolume& volume)>;

// Of emptyDirs, of what shows API objects, of claims of the built-in class and of local volumes, and of drivers'
// volumes. As upstream there is nothing for hostPath; nor for nfs, where another machine may let us wait for ever.
// Walks directories: takes as long as they are large.
std::vector<VolumeStats> readVolumeStats(const core_v1::Pod& pod, const PodPaths& paths, const ObjectLookup& lookup,
                                         const AskDriver& askDriver);

// Pure.
json::Array renderVolumeStats(const std::vector<VolumeStats>& volumes, std::string_view ns, base::WallTime at);

}  // namespace wherry::kubelet
