#include "apiserver/authorization/default_roles.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "apiserver/authorization/rule_coverage.h"
#include "apiserver/authorization/test_roles.h"

namespace wherry::apiserver {
namespace {

const json::Value& find(const std::string& resource, const std::string& name) {
  static const auto kAll = defaultRoles();
  for (const auto& each : kAll) {
    if (each.resource.resource == resource && each.name() == name) return each.object;
  }
  static const json::Value kNone = json::Object();
  return kNone;
}

PolicyRules rulesOf(const std::string& clusterRole) { return readRules(find("clusterroles", clusterRole)); }

bool permits(const PolicyRules& rules, const char* request) {
  return std::ranges::any_of(rules, [&](const PolicyRule& rule) { return rule.permits(requestFrom(request)); });
}

TEST(DefaultRoles, AreMarkedAsSuchAndEachIsThereOnce) {
  std::set<std::string> names;
  for (const auto& each : defaultRoles()) {
    auto name = each.resource.resource + " " + each.ns + "/" + each.name();
    EXPECT_TRUE(names.insert(name).second) << name;
    const auto& metadata = each.object.at("metadata");
    EXPECT_EQ(metadata.at("labels").at("kubernetes.io/bootstrapping"), "rbac-defaults") << name;
    EXPECT_EQ(metadata.at("annotations").at("rbac.authorization.kubernetes.io/autoupdate"), "true") << name;
    for (const auto& rule : readRules(each.object)) {
      EXPECT_FALSE(rule.verbs.empty()) << name;
      EXPECT_NE(rule.resources.empty(), rule.nonResourceURLs.empty()) << name;
      EXPECT_EQ(rule.resources.empty(), rule.apiGroups.empty()) << name;
    }
  }
}

TEST(DefaultRoles, OfABindingIsThereToo) {
  for (const auto& each : defaultRoles()) {
    auto role = json::getString(each.object, "roleRef.name");
    if (role.empty()) continue;
    bool cluster = json::getString(each.object, "roleRef.kind") == "ClusterRole";
    EXPECT_FALSE(find(cluster ? "clusterroles" : "roles", std::string(role)).as_object().empty()) << role;
  }
}

TEST(DefaultRoles, OfANamespaceContainEachOther) {
  auto admin = rulesOf("admin"), edit = rulesOf("edit"), view = rulesOf("view");
  EXPECT_FALSE(view.empty());
  EXPECT_TRUE(uncoveredRights(edit, view).empty());
  EXPECT_TRUE(uncoveredRights(admin, edit).empty());
  for (size_t i = 0; i < admin.size(); ++i) {
    // The controller that gathers them would find something to change.
    EXPECT_EQ(std::ranges::count(admin, admin[i]), 1) << renderRights(admin[i]);
  }
  EXPECT_TRUE(permits(admin, "create rbac.authorization.k8s.io/rolebindings"));
  EXPECT_FALSE(permits(edit, "create rbac.authorization.k8s.io/rolebindings"));
  EXPECT_TRUE(permits(edit, "create apps/deployments"));
  EXPECT_TRUE(permits(edit, "get secrets"));
  EXPECT_FALSE(permits(view, "get secrets"));
  EXPECT_TRUE(permits(view, "get pods:log"));
  EXPECT_FALSE(permits(admin, "create nodes"));
  EXPECT_FALSE(permits(admin, "update resourcequotas"));
}

TEST(DefaultRoles, OfEveryoneAreDiscovery) {
  EXPECT_TRUE(permits(rulesOf("system:discovery"), "get /apis/apps/v1"));
  EXPECT_FALSE(permits(rulesOf("system:discovery"), "get /metrics"));
  EXPECT_TRUE(permits(rulesOf("system:public-info-viewer"), "get /readyz"));
  EXPECT_TRUE(permits(rulesOf("system:basic-user"), "create authorization.k8s.io/selfsubjectaccessreviews"));
  EXPECT_FALSE(permits(rulesOf("system:basic-user"), "create authorization.k8s.io/subjectaccessreviews"));
}

// Of a changed object against what it should have: what it becomes; "-" for nothing.
std::string reconciled(const char* stored, const char* wanted) {
  auto now = json::parseYaml(stored);
  auto result = reconciledRole(now, json::parseYaml(wanted));
  return result ? json::serialize(*result) : "-";
}

TEST(DefaultRoles, AreGivenBackWhatTheyLack) {
  struct Case {
    const char* sentence;
    const char* stored;
    const char* wanted;
    const char* result;
  };
  const char* wanted =
      "{metadata: {labels: {a: b}, annotations: {c: d}}, rules: [{verbs: [get, list], apiGroups: [''], resources: "
      "[pods]}]}";
  const Case cases[] = {
      {"nothing is lacking", wanted, wanted, "-"},
      {"a rule that is gone is added behind the others",
       "{metadata: {labels: {a: b}, annotations: {c: d}}, rules: [{verbs: [get], apiGroups: [''], resources: [pods, "
       "secrets]}]}",
       wanted,
       R"({"metadata":{"labels":{"a":"b"},"annotations":{"c":"d"}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":["pods","secrets"]},{"verbs":["list"],"apiGroups":[""],"resources":["pods"]}]})"},
      {"what covers it is enough",
       "{metadata: {labels: {a: b}, annotations: {c: d}}, rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]}",
       wanted, "-"},
      {"labels of the user's stay", "{metadata: {labels: {a: other, x: y}}, rules: null}",
       "{metadata: {labels: {a: b}, annotations: {c: d}}}",
       R"({"metadata":{"labels":{"a":"other","x":"y"},"annotations":{"c":"d"}},"rules":null})"},
      {"who says autoupdate: \"false\" is left alone",
       "{metadata: {annotations: {rbac.authorization.kubernetes.io/autoupdate: \"false\"}}, rules: []}", wanted, "-"},
      {"a subject that is gone is added",
       "{metadata: {labels: {}, annotations: {}}, subjects: [{kind: User, name: a}]}",
       "{metadata: {labels: {}, annotations: {}}, subjects: [{kind: Group, name: b}]}",
       R"({"metadata":{"labels":{},"annotations":{}},"subjects":[{"kind":"User","name":"a"},{"kind":"Group","name":"b"}]})"},
      {"the rules of a role that gathers others are not looked at",
       "{metadata: {labels: {}, annotations: {}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}, "
       "rules: []}",
       "{metadata: {labels: {}, annotations: {}}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}, "
       "rules: [{verbs: [x]}]}",
       "-"},
  };
  for (const auto& [sentence, stored, should, result] : cases) {
    EXPECT_EQ(reconciled(stored, should), result) << sentence;
  }
}

TEST(DefaultRoles, ABindingToAnotherRoleIsAnotherBinding) {
  auto binding = json::parseYaml("{roleRef: {kind: ClusterRole, name: a}}");
  EXPECT_FALSE(bindsAnotherRole(binding, binding));
  EXPECT_TRUE(bindsAnotherRole(binding, json::parseYaml("{roleRef: {kind: ClusterRole, name: b}}")));
}

}  // namespace
}  // namespace wherry::apiserver
