// NodeResourcesFit: what all pods of a node request stays within what it can give.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterNodeResourcesFit(const PodInfo& pod, const NodeInfo& node);
// More than the node has altogether.
bool exceedsNode(const PodInfo& pod, const NodeInfo& node);
// The more is left of cpu and memory, the better (LeastAllocated).
int64_t scoreLeastAllocated(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
