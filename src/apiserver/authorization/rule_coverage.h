// Whether what somebody holds covers what they want to give away: nobody grants more than they have. Pure.
#pragma once

#include <string>
#include <vector>

#include "apiserver/authorization/policy_rule.h"

namespace wherry::apiserver {

// How many verbs x groups x resources x names rules may come to: the bound of what a check may cost.
inline constexpr size_t kMaxSingleRights = 20'000;

// What of `wanted` no rule of `held` permits, each right on its own (one verb, one group, one resource, one name).
// Throws Forbidden when it comes to more than kMaxSingleRights.
PolicyRules uncoveredRights(const PolicyRules& held, const PolicyRules& wanted);

// The same rights in fewer rules: those that differ in their verb alone become one.
PolicyRules compactRights(const PolicyRules& rights);

// {APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}
std::string renderRights(const PolicyRule& rule);
// ["a" "b"]
std::string renderTexts(const std::vector<std::string>& texts);

}  // namespace wherry::apiserver
