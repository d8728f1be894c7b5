// The PersistentVolume behind a pod's claim: a directory of the node (hostPath and local).
#pragma once

#include <string>

#include "kubelet/pods/pod_facts.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

// A persistentVolumeClaim, or a generic ephemeral volume, whose claim is the pod's own. Pure.
bool isClaim(const core_v1::Volume& volume);

// REQUIRES: isClaim(volume). Throws ConfigError: `persistentvolumeclaim "x" not found`, `PVC is not bound`, `PVC
// default/web-v was not created for pod default/web (pod is not owner)`.
core_v1::PersistentVolume claimedVolume(const core_v1::Pod& pod, const core_v1::Volume& volume,
                                        const ObjectLookup& lookup);

// A storage driver's, or another machine's: mounted before the pod's other volumes are looked at. Pure.
bool isElsewhere(const core_v1::PersistentVolume& volume);

// Where it is on the node. Throws ConfigError for kinds of volumes that aren't here.
std::string pathOf(const core_v1::PersistentVolume& volume);

// Checks the directory, or makes it, and gives it to the pod's fsGroup. Throws std::runtime_error.
void setUpClaimed(const core_v1::PersistentVolume& volume, const core_v1::Pod& pod);

}  // namespace wherry::kubelet
