// The Node controller: gives each node its piece of the cluster's addresses for pods (spec.podCIDR), and taints nodes
// that are not ready or cordoned, so that the scheduler leaves them alone.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "controllers/controller.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeNodeController(ControllerContext& context);

// The first piece of `clusterCidr` of size /maskSize that is not in `taken`; nothing when all are. Pure.
std::optional<std::string> decidePodCidr(std::string_view clusterCidr, int maskSize,
                                         const std::set<std::string>& taken);

// spec.taints as they should be; nothing when they are. `now` (RFC 3339) is put on new ones. Pure.
std::optional<json::Array> decideTaints(const core_v1::Node& node, std::string_view now);

}  // namespace wherry::controllers
