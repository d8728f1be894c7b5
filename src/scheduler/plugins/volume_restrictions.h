// VolumeRestrictions: a claim of access mode ReadWriteOncePod is one pod's, wherever the others would run (KEP-2485).
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterVolumeRestrictions(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
