// ClusterRoles that gather others: the rules of a ClusterRole with an aggregationRule are those of all ClusterRoles
// that its selectors match.
#pragma once

#include <optional>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeClusterRoleAggregationController(ControllerContext& context);

// The rules that `role` should have, each once: selector by selector, of each the roles by their names. Nothing when it
// has them, or gathers none. Pure.
std::optional<json::Array> decideAggregatedRules(const meta::Object& role, std::vector<meta::ObjectPtr> clusterRoles);

}  // namespace wherry::controllers
