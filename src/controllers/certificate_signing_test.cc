#include "controllers/certificate_signing.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"
#include "meta/time.h"

namespace wherry::controllers {
namespace {

using certificates_v1::CertificateSigningRequest;

constexpr std::string_view kUser = "kubernetes.io/kube-apiserver-client";
constexpr std::string_view kNodeClient = "kubernetes.io/kube-apiserver-client-kubelet";
constexpr std::string_view kNodeServer = "kubernetes.io/kubelet-serving";

const pki::RequestFacts kJane{"jane", {"developers"}, {}, {}, {}, {}};
const pki::RequestFacts kNode{"system:node:boat", {"system:nodes"}, {}, {}, {}, {}};
const pki::RequestFacts kNodeAt{"system:node:boat", {"system:nodes"}, {"boat"}, {"192.0.2.1"}, {}, {}};

TEST(CertificateSigning, EachSignerHasItsRules) {
  using Usages = std::vector<std::string>;
  pki::RequestFacts mailed = kNodeAt, otherGroup = kNodeAt;
  mailed.emails = {"boat@example.com"};
  otherGroup.organizations = {"system:nodes", "crew"};
  const struct {
    const char* name;
    std::string_view signer;
    pki::RequestFacts facts;
    Usages usages;
    const char* expected;
  } cases[] = {
      {"a user", kUser, kJane, {"client auth"}, ""},
      {"a user with an RSA key", kUser, kJane, {"digital signature", "key encipherment", "client auth"}, ""},
      {"a user who would serve",
       kUser,
       kJane,
       {"client auth", "server auth"},
       "invalid usage for client certificate: server auth"},
      {"a user without a use",
       kUser,
       kJane,
       {"digital signature"},
       "missing required usage for client certificate: client auth"},
      {"a node", kNodeClient, kNode, {"digital signature", "client auth"}, ""},
      {"a node's name is no name of a server",
       kNodeClient,
       kNodeAt,
       {"digital signature", "client auth"},
       "DNS subjectAltNames are not allowed"},
      {"no node", kNodeClient, kJane, {"digital signature", "client auth"}, "subject organization is not system:nodes"},
      {"a node that would serve",
       kNodeClient,
       kNode,
       {"digital signature", "server auth"},
       "usages did not match [client auth digital signature key encipherment]"},
      {"a kubelet's server", kNodeServer, kNodeAt, {"digital signature", "key encipherment", "server auth"}, ""},
      {"a server without an address",
       kNodeServer,
       kNode,
       {"digital signature", "server auth"},
       "DNS or IP subjectAltName is required"},
      {"a server with a mail address",
       kNodeServer,
       mailed,
       {"digital signature", "server auth"},
       "email subjectAltNames are not allowed"},
      {"a node in another group besides",
       kNodeServer,
       otherGroup,
       {"digital signature", "server auth"},
       "subject organization is not system:nodes"},
      {"a server that signs others",
       kNodeServer,
       kNodeAt,
       {"digital signature", "server auth", "cert sign"},
       "usages did not match [digital signature key encipherment server auth]"},
      {"somebody else's", "example.com/signer", kJane, {"client auth"}, "not ours"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(findSigningFault(c.signer, c.facts, c.usages).value_or("not ours"), c.expected) << c.name;
  }
}

CertificateSigningRequest requestOf(std::string_view spec, std::string_view status = "{}") {
  return CertificateSigningRequest(objectOf("{metadata: {name: c, creationTimestamp: '2026-01-01T00:00:00Z'}, spec: " +
                                            std::string(spec) + ", status: " + std::string(status) + "}"));
}

TEST(CertificateSigning, ANodesOwnRequestNeedsNobodysHand) {
  const std::string usages = ", usages: [digital signature, client auth]}";
  const std::string client = "{signerName: " + std::string(kNodeClient);
  EXPECT_EQ(decideAutoApproval(requestOf(client + ", username: 'system:node:boat'" + usages), kNode), "selfnodeclient");
  EXPECT_EQ(decideAutoApproval(requestOf(client + ", username: 'system:bootstrap:abcdef'" + usages), kNode),
            "nodeclient");
  EXPECT_EQ(decideAutoApproval(requestOf(client + ", username: 'system:node:boat'" + usages), kNodeAt), "");
  EXPECT_EQ(decideAutoApproval(requestOf("{signerName: " + std::string(kUser) + ", username: jane" + usages), kJane),
            "");
}

TEST(CertificateSigning, IssuesForTheTimeAskedForAndAYearAtMost) {
  EXPECT_EQ(decideIssue(requestOf("{expirationSeconds: 600}")).lifetime, std::chrono::seconds(600));
  EXPECT_EQ(decideIssue(requestOf("{expirationSeconds: 99999999}")).lifetime, std::chrono::hours(24 * 365));
  auto issue = decideIssue(requestOf("{usages: [digital signature, client auth]}"));
  EXPECT_EQ(issue.lifetime, std::chrono::hours(24 * 365));
  EXPECT_EQ(issue.keyUsages, std::vector<std::string>{"digitalSignature"});
  EXPECT_EQ(issue.extendedKeyUsages, std::vector<std::string>{"clientAuth"});
}

TEST(CertificateSigning, WhatIsOverOrForgottenGoes) {
  const struct {
    const char *name, *status, *expected;
  } cases[] = {
      {"nobody answered", "{}", "2026-01-02T00:00:00Z"},
      {"approved and not signed yet", "{conditions: [{type: Approved, lastUpdateTime: '2026-01-01T05:00:00Z'}]}",
       "2026-01-02T00:00:00Z"},
      {"signed", "{certificate: eA==, conditions: [{type: Approved, lastUpdateTime: '2026-01-01T05:00:00Z'}]}",
       "2026-01-01T06:00:00Z"},
      {"denied", "{conditions: [{type: Denied, lastUpdateTime: '2026-01-01T05:00:00Z'}]}", "2026-01-01T06:00:00Z"},
      {"failed, at no known time", "{conditions: [{type: Failed}]}", "2026-01-01T01:00:00Z"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(meta::formatTime(decideRemoval(requestOf("{}", c.status))), c.expected) << c.name;
}

}  // namespace
}  // namespace wherry::controllers
