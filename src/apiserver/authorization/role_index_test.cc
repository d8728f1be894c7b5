#include "apiserver/authorization/role_index.h"

#include <gtest/gtest.h>

#include "apiserver/authorization/test_roles.h"

namespace wherry::apiserver {
namespace {

constexpr auto kManifests = R"(
kind: ClusterRole
metadata: {name: reader}
rules: [{verbs: [get, list], apiGroups: [''], resources: [pods, nodes]}]
---
kind: Role
metadata: {name: writer, namespace: prod}
rules: [{verbs: [update], apiGroups: [''], resources: [pods]}]
---
kind: ClusterRoleBinding
metadata: {name: all-read}
roleRef: {kind: ClusterRole, name: reader}
subjects: [{kind: Group, name: readers}]
---
kind: RoleBinding
metadata: {name: prod-reads, namespace: prod}
roleRef: {kind: ClusterRole, name: reader}
subjects: [{kind: User, name: jane}, {kind: ServiceAccount, name: robot}, {kind: ServiceAccount, name: far, namespace: dev}]
---
kind: RoleBinding
metadata: {name: prod-writes, namespace: prod}
roleRef: {kind: Role, name: writer}
subjects: [{kind: User, name: jane}]
---
kind: RoleBinding
metadata: {name: dangling, namespace: prod}
roleRef: {kind: Role, name: nosuch}
subjects: [{kind: User, name: joe}]
---
kind: ClusterRoleBinding
metadata: {name: lost}
roleRef: {kind: ClusterRole, name: gone}
subjects: [{kind: Group, name: losers}]
)";

RoleIndex newIndex() {
  RoleObjects objects;
  for (const auto& manifest : json::parseYamlStream(kManifests)) {
    meta::ObjectKey key{std::string(json::getString(manifest, "metadata.namespace")),
                        std::string(json::getString(manifest, "metadata.name"))};
    if (json::getString(manifest, "kind").ends_with("Binding")) {
      objects.bindings[key] = std::make_shared<const Binding>(readBinding(manifest));
    } else {
      objects.roles[key] = std::make_shared<const PolicyRules>(readRules(manifest));
    }
  }
  return RoleIndex(objects);
}

struct Case {
  const char* sentence;
  const char* user;
  const char* request;
  const char* decision;
};

TEST(RoleIndex, DecidesByTheBindingsOfAUserAndItsGroups) {
  const Case cases[] = {
      {"a group everywhere", "ann readers", "get pods in dev",
       R"(yes RBAC: allowed by ClusterRoleBinding "all-read" of ClusterRole "reader" to Group "readers")"},
      {"a group at the cluster's scope", "ann readers", "list nodes",
       R"(yes RBAC: allowed by ClusterRoleBinding "all-read" of ClusterRole "reader" to Group "readers")"},
      {"a user in a namespace", "jane", "list pods in prod",
       R"(yes RBAC: allowed by RoleBinding "prod-reads/prod" of ClusterRole "reader" to User "jane")"},
      {"a namespace's binding says nothing of others", "jane", "list pods in dev", "no "},
      {"nor of the cluster", "jane", "list nodes", "no "},
      {"by a Role of the namespace", "jane", "update pods web in prod",
       R"(yes RBAC: allowed by RoleBinding "prod-writes/prod" of Role "writer" to User "jane")"},
      {"what no rule says is not permitted", "jane", "delete pods web in prod", "no "},
      {"a ServiceAccount is of the binding's namespace", "system:serviceaccount:prod:robot", "get pods in prod",
       R"(yes RBAC: allowed by RoleBinding "prod-reads/prod" of ClusterRole "reader" to ServiceAccount "robot/prod")"},
      {"or of the one that is named", "system:serviceaccount:dev:far", "get pods in prod",
       R"(yes RBAC: allowed by RoleBinding "prod-reads/prod" of ClusterRole "reader" to ServiceAccount "far/dev")"},
      {"a ServiceAccount of another namespace is another", "system:serviceaccount:dev:robot", "get pods in prod",
       "no "},
      {"a group is no user", "readers", "get pods in dev", "no "},
      {"a user is no group", "ann jane", "list pods in prod", "no "},
      {"a role that is missing is named", "joe", "get pods in prod",
       R"(no RBAC: role.rbac.authorization.k8s.io "nosuch" not found)"},
      {"so are several", "joe losers", "get pods in prod",
       R"(no RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "nosuch" not found])"},
      {"one that is missing hinders no other", "ann losers readers", "get pods in dev",
       R"(yes RBAC: allowed by ClusterRoleBinding "all-read" of ClusterRole "reader" to Group "readers")"},
  };
  auto index = newIndex();
  for (const auto& [sentence, user, request, expected] : cases) {
    auto decision = index.decide(userFrom(user), requestFrom(request));
    EXPECT_EQ((decision.allowed ? "yes " : "no ") + decision.reason, expected) << sentence;
  }
}

TEST(RoleIndex, ListsWhatAUserHolds) {
  auto index = newIndex();
  EXPECT_EQ(index.rulesOf(userFrom("jane readers"), "prod").rules.size(), 3U);
  EXPECT_EQ(index.rulesOf(userFrom("jane readers"), "").rules.size(), 1U);
  auto joe = index.rulesOf(userFrom("joe"), "prod");
  EXPECT_TRUE(joe.rules.empty());
  EXPECT_EQ(joe.errors, std::vector<std::string>{R"(role.rbac.authorization.k8s.io "nosuch" not found)"});
}

}  // namespace
}  // namespace wherry::apiserver
