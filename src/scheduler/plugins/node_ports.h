// NodePorts: no two pods with the same host port on one node.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterNodePorts(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
