// One rule of a Role or ClusterRole, read once, and whether it permits a request. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/authorization/attributes.h"
#include "json/value.h"

namespace wherry::apiserver {

// The fields' own meaning: "*" is everything; of resources also "*/scale", the scale of everything; of nonResourceURLs
// "/healthz/*". Without resourceNames a rule is for all names.
struct PolicyRule {
  std::vector<std::string> verbs;
  std::vector<std::string> apiGroups;
  std::vector<std::string> resources;
  std::vector<std::string> resourceNames;
  std::vector<std::string> nonResourceURLs;

  bool permits(const Attributes& attributes) const;
  bool operator==(const PolicyRule&) const = default;
};
using PolicyRules = std::vector<PolicyRule>;

// The `rules` of a Role or ClusterRole; what is no list is none.
PolicyRules readRules(const json::Value& role);

// As a manifest has it: what is empty is left out.
json::Object renderRule(const PolicyRule& rule);

bool listsText(const std::vector<std::string>& list, std::string_view text);
// "/healthz/*" covers "/healthz/ping".
bool coversPath(std::string_view pattern, std::string_view path);

}  // namespace wherry::apiserver
