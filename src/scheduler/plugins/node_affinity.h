// NodeAffinity: spec.nodeSelector and spec.affinity.nodeAffinity against the node's labels and name.
#pragma once

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterNodeAffinity(const PodInfo& pod, const NodeInfo& node);
// The weights of the preferred terms that match.
int64_t scoreNodeAffinity(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
