// NodeAffinity: spec.nodeSelector and spec.affinity.nodeAffinity against the node's labels and name.
#pragma once

#include <optional>
#include <set>
#include <string_view>

#include "scheduler/plugin.h"

namespace wherry::scheduler {

Reasons filterNodeAffinity(const PodInfo& pod, const NodeInfo& node);
// The nodes that required terms name (matchFields), as those of a DaemonSet's pods do: no other will do. Nothing when
// there are terms that name none.
std::optional<std::set<std::string_view>> namedNodes(const core_v1::Pod& pod);
// The weights of the preferred terms that match.
int64_t scoreNodeAffinity(const PodInfo& pod, const NodeInfo& node);

}  // namespace wherry::scheduler
