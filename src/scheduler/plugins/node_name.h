// NodeName: a pod that names its node runs there and nowhere else.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterNodeName(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
