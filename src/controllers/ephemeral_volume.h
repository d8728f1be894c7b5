// The ephemeral volume controller (KEP-1698): makes the claim of each generic ephemeral volume, named pod-volume and
// owned by the pod, with which it goes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeEphemeralVolumeController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

struct EphemeralClaims {
  std::vector<json::Value> toMake;
  std::vector<std::string> conflicts;  // why not, as events say it: claims of these names are somebody else's
};

// `findClaim`: of the pod's namespace, null when there is none. Nothing is made for a pod that is over or goes.
EphemeralClaims decideEphemeralClaims(const core_v1::Pod& pod,
                                      const std::function<meta::ObjectPtr(std::string_view name)>& findClaim);

}  // namespace wherry::controllers
