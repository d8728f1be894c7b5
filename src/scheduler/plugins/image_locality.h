// ImageLocality: better where the pod's images are already, the larger the better.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

int64_t scoreImageLocality(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
