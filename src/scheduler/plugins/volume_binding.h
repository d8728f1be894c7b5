// VolumeBinding: the pod's volumes can be used on the node (spec.nodeAffinity of PersistentVolumes), and those that are
// yet to be made can be made for it (allowedTopologies of their class, CSIStorageCapacity of its driver).
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterVolumeBinding(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
