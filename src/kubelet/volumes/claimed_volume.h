// The PersistentVolume behind a pod's claim: a directory of the node (hostPath and local).
#pragma once

#include <string>

#include "kubelet/pods/pod_facts.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// REQUIRES: the volume is a persistentVolumeClaim. Throws ConfigError: `persistentvolumeclaim "x" not found`, `PVC is
// not bound`.
core_v1::PersistentVolume claimedVolume(const core_v1::Pod& pod, const core_v1::Volume& volume,
                                        const ObjectLookup& lookup);

// Where it is on the node. Throws ConfigError for kinds of volumes that aren't here.
std::string pathOf(const core_v1::PersistentVolume& volume);

// Checks the directory, or makes it, and gives it to the pod's fsGroup. Throws std::runtime_error.
void setUpClaimed(const core_v1::PersistentVolume& volume, const core_v1::Pod& pod);

}  // namespace wherry::kubelet
