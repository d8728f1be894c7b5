// The roles and bindings that every cluster has (default_roles.yaml, which is embedded in the program). Pure.
#pragma once

#include <optional>
#include <vector>

#include "apiserver/authorization/policy_rule.h"
#include "apiserver/bootstrap_objects.h"
#include "json/value.h"

namespace wherry::apiserver {

std::vector<BootstrapObject> defaultRoles();

// What a node may do: the rules of the ClusterRole system:node.
PolicyRules defaultNodeRules();

// `stored` with what it lacks of `wanted`: labels, annotations, rules, selectors, subjects. Nothing when it lacks
// nothing, or when its annotation rbac.authorization.kubernetes.io/autoupdate is "false". What else it has stays.
std::optional<json::Value> reconciledRole(const json::Value& stored, const json::Value& wanted);

// A binding to another role can't be changed into the wanted one: it is made anew.
bool bindsAnotherRole(const json::Value& stored, const json::Value& wanted);

}  // namespace wherry::apiserver
