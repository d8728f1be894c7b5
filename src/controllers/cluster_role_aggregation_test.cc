#include "controllers/cluster_role_aggregation.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::controllers {
namespace {

constexpr auto kRoles = R"(
{metadata: {name: b, labels: {to: all, level: low}}, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}
---
{metadata: {name: a, labels: {to: all}}, rules: [{verbs: [list], apiGroups: [''], resources: [nodes]}]}
---
{metadata: {name: c, labels: {to: all}}, rules: [{verbs: [get], apiGroups: [''], resources: [pods]}]}
---
{metadata: {name: none}, rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}
)";

struct Case {
  const char* sentence;
  const char* role;
  const char* rules;  // "-": as they are
};

TEST(ClusterRoleAggregation, GathersTheRulesOfWhatItSelects) {
  const Case cases[] = {
      {"a role without the rule is left alone", "{metadata: {name: x}, rules: []}", "-"},
      {"in the order of names, each rule once",
       "{metadata: {name: x}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}}",
       "[{verbs: [list], apiGroups: [''], resources: [nodes]}, {verbs: [get], apiGroups: [''], resources: [pods]}]"},
      {"selector by selector",
       "{metadata: {name: x}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {level: low}}, {matchLabels: {to: "
       "all}}]}}",
       "[{verbs: [get], apiGroups: [''], resources: [pods]}, {verbs: [list], apiGroups: [''], resources: [nodes]}]"},
      {"what it had before goes",
       "{metadata: {name: x}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: nobody}}]}, rules: [{verbs: "
       "[x]}]}",
       "[]"},
      {"nothing is changed when nothing changes",
       "{metadata: {name: x}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {level: low}}]}, rules: [{verbs: "
       "[get], apiGroups: [''], resources: [pods]}]}",
       "-"},
      {"null is no rules",
       "{metadata: {name: x}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: nobody}}]}, "
       "rules: null}",
       "-"},
      {"it is no part of itself",
       "{metadata: {name: a, labels: {to: all}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}}",
       "[{verbs: [get], apiGroups: [''], resources: [pods]}]"},
  };
  std::vector<meta::ObjectPtr> roles;
  for (const auto& role : json::parseYamlStream(kRoles)) roles.push_back(std::make_shared<const meta::Object>(role));
  for (const auto& [sentence, role, expected] : cases) {
    auto rules = decideAggregatedRules(meta::Object(json::parseYaml(role)), roles);
    EXPECT_EQ(rules ? json::serialize(*rules) : "-",
              expected == std::string_view("-") ? "-" : json::serialize(json::parseYaml(expected)))
        << sentence;
  }
}

}  // namespace
}  // namespace wherry::controllers
