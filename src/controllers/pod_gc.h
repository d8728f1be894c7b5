// The pod garbage collector: pods of a node that is gone, and pods that were deleted before they had a node, have
// nobody who would end them; it removes them.
#pragma once

#include "controllers/controller.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makePodGarbageCollector(ControllerContext& context);

// Whether nobody will ever end this pod. Pure.
enum class NodeState { kThere, kGone };
bool isOrphaned(const core_v1::Pod& pod, NodeState node);

}  // namespace wherry::controllers
