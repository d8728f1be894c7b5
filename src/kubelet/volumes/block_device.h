// Volumes of mode Block: a container sees a device, where volumeDevices say, instead of a directory.
#pragma once

#include <vector>

#include "kubelet/pods/pod_facts.h"
#include "kubelet/runtime/oci_spec.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// Pure.
bool isBlock(const core_v1::PersistentVolume& volume);

// The container's volumeDevices. Throws ConfigError, also when what is there is no device.
std::vector<BlockDevice> volumeDevices(const core_v1::Pod& pod, const core_v1::Container& container,
                                       const ObjectLookup& lookup);

}  // namespace wherry::kubelet
