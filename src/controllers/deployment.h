// The Deployment controller: a Deployment's template becomes a ReplicaSet, named by a hash of it; a change of the
// template moves the pods from the old ReplicaSets to the new one, as the strategy says.
//
// The pure half is in three parts: which revision each ReplicaSet is (deployment_revision.h), how many pods each should
// have (deployment_rollout.h), and what the status says (deployment_status.h).
#pragma once

#include "controllers/controller.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeDeploymentController(ControllerContext& context);

}  // namespace wherry::controllers
