// RBAC as a client of the API sees it.
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

TEST(RolesApi, AGrantCountsForTheNextRequestAndSoDoesItsEnd) {
  ApiWorld world;
  world.run(R"(
GET /api/v1/namespaces/default/configmaps as jane
=> 403
  message: 'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"'
  details: {kind: configmaps}
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: looks}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: looker}
  subjects: [{kind: User, name: jane}]
=> 201
GET /api/v1/namespaces/default/configmaps as jane
=> 403
  message: 'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default": RBAC: role.rbac.authorization.k8s.io "looker" not found'
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
  metadata: {name: looker}
  rules: [{verbs: [get, list], apiGroups: [""], resources: [configmaps]}]
=> 201
GET /api/v1/namespaces/default/configmaps as jane
=> 200
GET /api/v1/configmaps as jane
=> 403
GET /api/v1/namespaces/default/configmaps?watch=1 as jane
=> 403
PATCH:merge /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/looker
  rules: [{verbs: [get], apiGroups: [""], resources: [configmaps], resourceNames: [one]}]
=> 200
GET /api/v1/namespaces/default/configmaps as jane
=> 403
GET /api/v1/namespaces/default/configmaps/one as jane
=> 404
GET /api/v1/namespaces/default/configmaps/two as jane
=> 403
DELETE /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/looks
=> 200
GET /api/v1/namespaces/default/configmaps/one as jane
=> 403
)");
}

TEST(RolesApi, AListOfOneNameIsForThatName) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
  metadata: {name: one}
  rules: [{verbs: [list, watch], apiGroups: [""], resources: [configmaps], resourceNames: [one]}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: one}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: one}
  subjects: [{kind: Group, name: devs}]
=> 201
GET /api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Done as jane devs
=> 200
GET /api/v1/namespaces/default/configmaps?fieldSelector=metadata.name%3Dtwo as jane devs
=> 403
)");
}

TEST(RolesApi, EveryoneMayLookAtWhatThereIs) {
  ApiWorld world;
  world.run(R"(
GET /apis as jane
=> 200
GET /openapi/v3 as jane
=> 200
GET /nothing as jane
=> 403
  message: 'forbidden: User "jane" cannot get path "/nothing"'
POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews as jane
  spec: {resourceAttributes: {verb: get, resource: pods}}
=> 201
  status: {allowed: false, reason: null}
POST /apis/authentication.k8s.io/v1/selfsubjectreviews as jane
  {apiVersion: authentication.k8s.io/v1, kind: SelfSubjectReview}
=> 201
  status: {userInfo: {username: jane}}
POST /apis/authorization.k8s.io/v1/subjectaccessreviews as jane
  spec: {user: joe, resourceAttributes: {verb: get, resource: pods}}
=> 403
)");
  for (auto path : {"/healthz", "/livez", "/readyz", "/version"}) {
    EXPECT_EQ(world.call("GET", path, "", {{"Authorization", ""}}).status, 200) << path;
  }
  EXPECT_EQ(world.call("GET", "/api", "", {{"Authorization", ""}}).status, 401);
}

TEST(RolesApi, WhoMayPatchMayNotThereforeMake) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles
  metadata: {name: patcher}
  rules: [{verbs: [patch], apiGroups: [""], resources: [configmaps]}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: patcher}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: patcher}
  subjects: [{kind: User, name: jane}]
=> 201
PATCH:apply /api/v1/namespaces/default/configmaps/cm?fieldManager=me as jane
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: cm}
=> 403
POST /api/v1/namespaces/default/configmaps
  metadata: {name: cm}
=> 201
PATCH:apply /api/v1/namespaces/default/configmaps/cm?fieldManager=me as jane
  apiVersion: v1
  kind: ConfigMap
  metadata: {name: cm}
=> 200
)");
}

TEST(RolesApi, NobodyGivesAwayMoreThanTheyHave) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: jane}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
  subjects: [{kind: User, name: jane}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles as jane devs
  metadata: {name: looker}
  rules: [{verbs: [get], apiGroups: [""], resources: [pods]}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles as jane devs
  metadata: {name: drainer}
  rules: [{verbs: [get, patch], apiGroups: [""], resources: [pods, nodes]}]
=> 403
  message: "roles.rbac.authorization.k8s.io \"drainer\" is forbidden: user \"jane\" (groups=[\"devs\" \"system:authenticated\"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[\"\"], Resources:[\"nodes\"], Verbs:[\"get\" \"patch\"]}"
PATCH:merge /apis/rbac.authorization.k8s.io/v1/namespaces/default/roles/looker as jane devs
  rules: [{verbs: ["*"], apiGroups: [""], resources: [pods]}]
=> 403
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings as jane devs
  metadata: {name: b}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
  subjects: [{kind: User, name: joe}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings as jane devs
  metadata: {name: c}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
  subjects: [{kind: User, name: joe}]
=> 403
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings as jane devs
  metadata: {name: d}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: nosuch}
  subjects: [{kind: User, name: joe}]
=> 404
  message: 'clusterroles.rbac.authorization.k8s.io "nosuch" not found'
POST /apis/rbac.authorization.k8s.io/v1/clusterroles as jane devs
  metadata: {name: mine}
  rules: []
=> 403
)");
}

TEST(RolesApi, EscalateAndBindAreRightsOfTheirOwn) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/clusterroles
  metadata: {name: role-maker}
  rules:
    - {verbs: [create, update, patch, escalate], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}
    - {verbs: [bind], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], resourceNames: [view]}
    - {verbs: [create], apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings]}
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings
  metadata: {name: role-makers}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: role-maker}
  subjects: [{kind: User, name: jane}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterroles as jane
  metadata: {name: all}
  rules: [{verbs: ["*"], apiGroups: ["*"], resources: ["*"]}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings as jane
  metadata: {name: views}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
  subjects: [{kind: User, name: joe}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings as jane
  metadata: {name: alls}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
  subjects: [{kind: User, name: jane}]
=> 403
GET /apis/rbac.authorization.k8s.io/v1/clusterrolebindings/views
=> 200
  subjects: [{kind: User, name: joe, apiGroup: rbac.authorization.k8s.io}]
)");
}

TEST(RolesApi, OnlyWhoMayDoEverythingMakesARoleThatGathersOthers) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/clusterroles
  metadata: {name: role-maker}
  rules: [{verbs: [create], apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles]}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings
  metadata: {name: role-makers}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: role-maker}
  subjects: [{kind: User, name: jane}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterroles as jane
  metadata: {name: gathers}
  aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
=> 403
  message: 'clusterroles.rbac.authorization.k8s.io "gathers" is forbidden: must have cluster-admin privileges to use the aggregationRule'
)");
}

TEST(RolesApi, AsksAboutOneselfAndOthers) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: jane}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
  subjects: [{kind: User, name: jane}]
=> 201
POST /apis/authorization.k8s.io/v1/subjectaccessreviews
  spec: {user: jane, resourceAttributes: {namespace: default, verb: get, resource: pods, subresource: log}}
=> 201
  status: {allowed: true, reason: 'RBAC: allowed by RoleBinding "jane/default" of ClusterRole "view" to User "jane"'}
POST /apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews
  metadata: {namespace: default}
  spec: {user: jane, resourceAttributes: {namespace: default, verb: delete, resource: pods}}
=> 201
  status: {allowed: false}
POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews as jane
  spec: {resourceAttributes: {namespace: default, verb: list, resource: pods, fieldSelector: {rawSelector: "spec.nodeName=a"}, labelSelector: {requirements: [{key: a, operator: In, values: [b]}]}}}
=> 201
  status: {allowed: true}
POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews as jane
  spec: {resourceAttributes: {namespace: default, verb: list, resource: pods, fieldSelector: {rawSelector: "a=b", requirements: [{key: a, operator: In, values: [b]}]}}}
=> 422
POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews as jane
  spec: {namespace: kube-system}
=> 201
  status:
    incomplete: false
    resourceRules:
      - {verbs: [create], apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews, selfsubjectrulesreviews]}
      - {verbs: [create], apiGroups: [authentication.k8s.io], resources: [selfsubjectreviews]}
    nonResourceRules: ["*", "*"]
POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews
  spec: {}
=> 400
)");
}

TEST(RolesApi, ImpersonatesWhomOneMay) {
  ApiWorld world;
  world.run(R"(
POST /apis/rbac.authorization.k8s.io/v1/clusterroles
  metadata: {name: acts}
  rules:
    - {verbs: [impersonate], apiGroups: [""], resources: [users], resourceNames: [jane]}
    - {verbs: [impersonate], apiGroups: [""], resources: [groups], resourceNames: [devs]}
    - {verbs: [impersonate], apiGroups: [authentication.k8s.io], resources: [userextras/scopes], resourceNames: [dev]}
    - {verbs: [impersonate], apiGroups: [authentication.k8s.io], resources: [uids], resourceNames: ["7"]}
=> 201
POST /apis/rbac.authorization.k8s.io/v1/clusterrolebindings
  metadata: {name: acts}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: acts}
  subjects: [{kind: User, name: joe}]
=> 201
POST /apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings
  metadata: {name: acts}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
  subjects: [{kind: User, name: joe}]
=> 201
)");
  using Headers = std::vector<std::pair<std::string, std::string>>;
  auto whoami = [&](Headers headers) {
    headers.emplace_back("Authorization", "Bearer guest");  // joe
    auto answer = world.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", headers);
    auto tree = json::parse(answer.body);
    const auto* user = json::find(tree, "status.userInfo");
    return user ? json::serialize(*user) : std::string(json::getString(tree, "message"));
  };
  EXPECT_EQ(whoami({{"Impersonate-User", "jane"}}), R"({"username":"jane","groups":["system:authenticated"]})");
  EXPECT_EQ(whoami({{"Impersonate-User", "jane"},
                    {"Impersonate-Group", "devs"},
                    {"Impersonate-Uid", "7"},
                    {"Impersonate-Extra-Scopes", "dev"}}),
            R"({"username":"jane","groups":["devs","system:authenticated"],"uid":"7","extra":{"scopes":["dev"]}})");
  EXPECT_EQ(
      whoami({{"Impersonate-User", "ann"}}),
      R"(users "ann" is forbidden: User "joe" cannot impersonate resource "users" in API group "" at the cluster )"
      "scope");
  EXPECT_EQ(
      whoami({{"Impersonate-User", "jane"}, {"Impersonate-Group", "system:masters"}}),
      R"(groups "system:masters" is forbidden: User "joe" cannot impersonate resource "groups" in API group "" at )"
      "the cluster scope");
  EXPECT_EQ(whoami({{"Impersonate-User", "jane"}, {"Impersonate-Extra-Scopes", "prod"}}),
            R"(userextras.authentication.k8s.io "prod" is forbidden: User "joe" cannot impersonate resource )"
            R"("userextras/scopes" in API group "authentication.k8s.io" at the cluster scope)");
  EXPECT_EQ(whoami({{"Impersonate-User", "system:serviceaccount:default:robot"}}),
            R"({"username":"system:serviceaccount:default:robot","groups":["system:serviceaccounts",)"
            R"("system:serviceaccounts:default","system:authenticated"]})");
  EXPECT_EQ(whoami({{"Impersonate-User", "system:serviceaccount:kube-system:robot"}}),
            R"(serviceaccounts "robot" is forbidden: User "joe" cannot impersonate resource "serviceaccounts" in API )"
            R"(group "" in the namespace "kube-system")");
  EXPECT_EQ(whoami({{"Impersonate-Group", "devs"}}),
            "groups, a uid or extra fields were requested without a user to impersonate");
}

}  // namespace
}  // namespace wherry::apiserver
