// NodeUnschedulable: nothing new on a cordoned node, but for pods that tolerate it.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterNodeUnschedulable(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
