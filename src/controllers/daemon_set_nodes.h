// A DaemonSet's pods by the node they are for. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "views/apps_v1.h"
#include "views/core_v1.h"

namespace wherry::controllers {

// Oldest first; of those, the ones that have been scheduled before all others. Pods that have ended and are being
// deleted are left out: somebody else's finalizer keeps them, and they keep no node.
using PodsByNode = std::map<std::string, std::vector<core_v1::Pod>, std::less<>>;
PodsByNode podsByNode(const std::vector<core_v1::Pod>& pods);

// Made from the set's template as it is now.
bool isUpdated(const apps_v1::DaemonSet& set, const core_v1::Pod& pod, std::string_view hash);

}  // namespace wherry::controllers
