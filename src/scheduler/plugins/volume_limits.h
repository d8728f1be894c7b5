// NodeVolumeLimits: a storage driver attaches only so many volumes to a node as its CSINode says.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Verdict filterVolumeLimits(const CycleState& cycle, const NodeInfo& node);

}  // namespace wherry::scheduler
