// VolumeBinding: the pod's volumes can be used on the node (spec.nodeAffinity of PersistentVolumes).
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterVolumeBinding(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
