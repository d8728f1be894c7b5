// Who proves to be whom: tokens in Secrets, bootstrap tokens, certificates on request, roles that gather others.
#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "controllers/cluster.h"
#include "json/yaml.h"
#include "meta/time.h"
#include "pki/certificate.h"
#include "views/authentication_v1.h"
#include "views/certificates_v1.h"
#include "views/core_v1.h"
#include "views/rbac_v1.h"

namespace wherry::integration {
namespace {

using authentication_v1::TokenReview;
using certificates_v1::CertificateSigningRequest;
using core_v1::Secret;
using core_v1::ServiceAccount;
using rbac_v1::ClusterRole;

std::string dataOf(Cluster& cluster, std::string_view ns, std::string_view name, std::string_view key) {
  const auto secret = cluster.find(Secret::kResource(), ns, name);
  const auto* data = secret ? json::find(secret->tree(), "data") : nullptr;
  const auto* value = data ? data->as_object().if_contains(key) : nullptr;
  return value ? base::decodeBase64(value->as_string()).value_or("") : "";
}

// Whom the API server takes the holder of this token for; "" for nobody.
std::string holderOf(Cluster& cluster, const std::string& token) {
  const auto review = cluster.client().create<TokenReview>("", {{"spec", {{"token", token}}}});
  return std::string(review.status().user().username());
}

constexpr std::string_view kRobot = R"(
{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot}}
---
apiVersion: v1
kind: Secret
metadata: {name: robot, annotations: {kubernetes.io/service-account.name: robot}}
type: kubernetes.io/service-account-token
)";

TEST(TokenSecretInCluster, HoldsATokenAsLongAsItsServiceAccountIsThere) {
  Cluster cluster;
  cluster.create(kRobot);
  ASSERT_TRUE(cluster.eventually([&] { return !dataOf(cluster, "default", "robot", "token").empty(); }));
  const auto token = dataOf(cluster, "default", "robot", "token");
  EXPECT_EQ(dataOf(cluster, "default", "robot", "namespace"), "default");
  EXPECT_EQ(dataOf(cluster, "default", "robot", "ca.crt"), "PEM");
  EXPECT_EQ(holderOf(cluster, token), "system:serviceaccount:default:robot");
  cluster.client().remove(ServiceAccount::kResource(), "default", "robot");
  EXPECT_TRUE(cluster.eventually([&] { return !cluster.find(Secret::kResource(), "default", "robot"); }));
  EXPECT_EQ(holderOf(cluster, token), "");
}

TEST(TokenSecretInCluster, ATokenThatWasTakenOutIsReplaced) {
  Cluster cluster;
  cluster.create(kRobot);
  ASSERT_TRUE(cluster.eventually([&] { return !dataOf(cluster, "default", "robot", "token").empty(); }));
  cluster.client().patch(Secret::kResource(), "default", "robot", client::PatchType::kMerge,
                         json::parseYaml("{data: {token: null}}"));
  ASSERT_TRUE(cluster.eventually([&] { return !dataOf(cluster, "default", "robot", "token").empty(); }));
  EXPECT_EQ(holderOf(cluster, dataOf(cluster, "default", "robot", "token")), "system:serviceaccount:default:robot");
}

std::string bootstrapToken(std::string_view id, std::string_view expiration) {
  return fmt::format(R"(
apiVersion: v1
kind: Secret
metadata: {{name: bootstrap-token-{0}, namespace: kube-system}}
type: bootstrap.kubernetes.io/token
stringData: {{token-id: "{0}", token-secret: f395accd246ae52d, usage-bootstrap-authentication: "true"{1}}}
)",
                     id, expiration.empty() ? "" : fmt::format(", expiration: \"{}\"", expiration));
}

TEST(BootstrapTokenInCluster, GoesAtItsEnd) {
  Cluster cluster;
  const auto now = base::Clock::system().now();
  cluster.create(bootstrapToken("000001", ""));
  cluster.create(bootstrapToken("000002", meta::formatTime(now + std::chrono::hours(1))));
  cluster.create(bootstrapToken("000003", meta::formatTime(now + std::chrono::seconds(2))));
  cluster.create(bootstrapToken("000004", meta::formatTime(now - std::chrono::hours(1))));
  auto there = [&](std::string_view id) {
    return cluster.find(Secret::kResource(), "kube-system", fmt::format("bootstrap-token-{}", id)) != nullptr;
  };
  EXPECT_TRUE(cluster.eventually([&] { return !there("000004"); }));
  EXPECT_TRUE(cluster.eventually([&] { return !there("000003"); }));
  EXPECT_TRUE(there("000001"));
  EXPECT_TRUE(there("000002"));
}

constexpr auto kNodeRequest =  // O=system:nodes, CN=system:node:boat
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIdU1JR1VBZ0VBTURJeEZUQVRCZ05WQkFvTURITjVjM1JsYlRwdWIy"
    "UmxjekVaTUJjR0ExVUVBd3dRYzNsegpkR1Z0T201dlpHVTZZbTloZERCWk1CTUdCeXFHU000OUFnRUdDQ3FHU000OUF3RUhBMElBQkJZ"
    "dU55bisxT3BXCnpwMXZaK21rL2kyUTQ2NWs5RmUxQkVHRUVzZ2kybWozN3g3VnhnUnFkR05qMXYxMDczUmhrMVJqQm80aGtuUCsKNFJF"
    "WmViZlFOTWFnQURBS0JnZ3Foa2pPUFFRREFnTkpBREJHQWlFQTlxMEgzSUNVOUgxcU1wUXZDQmhSR1RJeQpTd0c4U0pZdHlBQmFkTTdm"
    "aUk0Q0lRQ1NtMCtIZWFEMEJtUHBjcGFFOENVVDNzemJpUWVjejhmZGl2K0ZiQ05KCllBPT0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVR"
    "VUVTVC0tLS0tCg==";
constexpr auto kUserRequest =  // O=developers, CN=jane
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIZ01JR0dBZ0VBTUNReEV6QVJCZ05WQkFvTUNtUmxkbVZzYjNCbGNu"
    "TXhEVEFMQmdOVkJBTU1CR3BoYm1VdwpXVEFUQmdjcWhrak9QUUlCQmdncWhrak9QUU1CQndOQ0FBUVdMamNwL3RUcVZzNmRiMmZwcFA0"
    "dGtPT3VaUFJYCnRRUkJoQkxJSXRwbzkrOGUxY1lFYW5Salk5YjlkTzkwWVpOVVl3YU9JWkp6L3VFUkdYbTMwRFRHb0FBd0NnWUkKS29a"
    "SXpqMEVBd0lEU1FBd1JnSWhBTEZ2dnlYN25Xd0QwdktIWlZqTzVncS82L2Rham56SkZHSHNWTmFnMFJsTApBaUVBN3phOFJSSCs2YUdj"
    "NkVCTitSTnE5djFWNklxSHBQK2w1SWkzVml2SjFLaz0KLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==";

void ask(client::Client& client, std::string_view name, std::string_view signer, std::string_view request) {
  client.create(CertificateSigningRequest::kResource(), "",
                json::parseYaml(fmt::format(R"(
metadata: {{name: {}}}
spec: {{signerName: {}, request: {}, usages: [digital signature, client auth]}}
)",
                                            name, signer, request)));
}

CertificateSigningRequest requestIn(Cluster& cluster, std::string_view name) {
  return CertificateSigningRequest(cluster.find(CertificateSigningRequest::kResource(), "", name));
}

void answer(Cluster& cluster, std::string_view name, std::string_view type) {
  json::Value tree = requestIn(cluster, name).object()->tree();
  json::ensureObject(tree.as_object(), "status")["conditions"] =
      json::Array{json::Object{{"type", type}, {"status", "True"}, {"reason", "Test"}}};
  cluster.client().update(CertificateSigningRequest::kResource(), "", tree, {.subresource = "approval"});
}

pki::CertificateFacts issued(Cluster& cluster, std::string_view name) {
  return pki::readCertificate(base::decodeBase64(requestIn(cluster, name).status().certificate()).value_or(""));
}

constexpr auto kNodeSigner = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr auto kUserSigner = "kubernetes.io/kube-apiserver-client";

TEST(CertificateRequestInCluster, ANodeThatMayGetsItsCertificateAndAStrangerDoesNot) {
  Cluster cluster;
  cluster.create(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: node-bootstrap}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: system:certificates.k8s.io:certificatesigningrequests:nodeclient
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: system:bootstrappers}]
)");
  auto stranger = cluster.clientOf({"stranger", {"system:authenticated"}, ""});
  auto node = cluster.clientOf({"system:bootstrap:abcdef", {"system:bootstrappers", "system:authenticated"}, ""});
  ask(*stranger, "strange", kNodeSigner, kNodeRequest);
  ask(*node, "boat", kNodeSigner, kNodeRequest);
  ASSERT_TRUE(cluster.eventually([&] { return !requestIn(cluster, "boat").status().certificate().empty(); }));
  EXPECT_EQ(issued(cluster, "boat").commonName, "system:node:boat");
  EXPECT_EQ(issued(cluster, "boat").organizations, std::vector<std::string>{"system:nodes"});
  EXPECT_TRUE(requestIn(cluster, "strange").status().conditions().empty());
}

TEST(CertificateRequestInCluster, AUsersIsSignedOnceItIsApproved) {
  Cluster cluster;
  ask(cluster.client(), "denied", kUserSigner, kUserRequest);
  ask(cluster.client(), "foreign", "example.com/signer", kUserRequest);
  ask(cluster.client(), "jane", kUserSigner, kUserRequest);
  answer(cluster, "denied", "Denied");
  answer(cluster, "foreign", "Approved");
  answer(cluster, "jane", "Approved");
  ASSERT_TRUE(cluster.eventually([&] { return !requestIn(cluster, "jane").status().certificate().empty(); }));
  EXPECT_EQ(issued(cluster, "jane").commonName, "jane");
  EXPECT_TRUE(requestIn(cluster, "denied").status().certificate().empty());
  EXPECT_TRUE(requestIn(cluster, "foreign").status().certificate().empty());
}

TEST(CertificateRequestInCluster, ASignerSaysWhatItDoesNotSign) {
  Cluster cluster;
  ask(cluster.client(), "jane", "kubernetes.io/kubelet-serving", kUserRequest);
  answer(cluster, "jane", "Approved");
  auto failure = [&] {
    const auto request = requestIn(cluster, "jane");
    for (const auto condition : request.status().conditions()) {
      if (condition.type() == "Failed") return std::string(condition.message());
    }
    return std::string();
  };
  ASSERT_TRUE(cluster.eventually([&] { return !failure().empty(); }));
  EXPECT_EQ(failure(), "subject organization is not system:nodes");
}

size_t countRules(Cluster& cluster, std::string_view role, const json::Value& wanted) {
  const auto found = cluster.find(ClusterRole::kResource(), "", role);
  const auto* rules = found ? json::find(found->tree(), "rules") : nullptr;
  if (!rules || !rules->is_array()) return 0;
  return static_cast<size_t>(
      std::ranges::count_if(rules->get_array(), [&](const auto& rule) { return json::equal(rule, wanted); }));
}

TEST(ClusterRoleInCluster, GathersTheRulesOfOthersAsTheyComeAndGo) {
  Cluster cluster;
  cluster.create(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: harbour}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to-harbour: "true"}}]}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: boats, labels: {to-harbour: "true", rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: [{verbs: [get], apiGroups: [example.com], resources: [boats]}]
)");
  const auto boats = json::parseYaml("{verbs: [get], apiGroups: [example.com], resources: [boats]}");
  auto allHave = [&](size_t count) {
    auto has = [&](std::string_view role) { return countRules(cluster, role, boats) == count; };
    return has("harbour") && has("view") && has("edit") && has("admin");
  };
  EXPECT_TRUE(cluster.eventually([&] { return allHave(1); }));
  cluster.client().remove(ClusterRole::kResource(), "", "boats");
  EXPECT_TRUE(cluster.eventually([&] { return allHave(0); }));
}

}  // namespace
}  // namespace wherry::integration
