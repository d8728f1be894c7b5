// The Endpoints controller: the older form of EndpointSlices, one object named like the Service, at most 1000
// addresses.
#pragma once

#include <optional>
#include <vector>

#include "controllers/controller.h"
#include "controllers/service_pods.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeEndpointsController(ControllerContext& context);

// The Endpoints object to create (`present` is empty) or to update; nothing when it is right already. Pure.
std::optional<json::Value> decideEndpoints(const core_v1::Service& service, const std::vector<core_v1::Pod>& pods,
                                           const core_v1::Endpoints& present);

}  // namespace wherry::controllers
