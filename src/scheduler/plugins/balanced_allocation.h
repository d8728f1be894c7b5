// NodeResourcesBalancedAllocation: better where cpu and memory are used to the same part.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

int64_t scoreBalancedAllocation(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
