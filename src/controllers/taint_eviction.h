// The taint eviction controller: pods leave a node that is tainted NoExecute, at once or, where they tolerate the taint
// for tolerationSeconds, after that time.
#pragma once

#include <chrono>
#include <optional>

#include "controllers/controller.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeTaintEvictionController(ControllerContext& context);

// How long the pod may stay on the node, counted from when it met the taints: 0 when it does not tolerate one of them,
// nothing when it may stay for good. Pure.
std::optional<std::chrono::seconds> decideStay(const core_v1::Pod& pod, const core_v1::Node& node);

}  // namespace wherry::controllers
