#include "ingress/gateway_tls_policies.h"

#include <gtest/gtest.h>

#include "ingress/gateway_test_world.h"

namespace wherry::ingress {
namespace {

constexpr std::string_view kAccepted = "Accepted=True(Accepted) ResolvedRefs=True(ResolvedRefs)\n";

// The authorities that policies of the tests name: two that are there, and two that aren't any.
std::string authorities() {
  auto indented = [](const std::string& pem) { return "    " + base::replaceAll(pem, "\n", "\n    "); };
  const std::string one = authorityPem(), other = authorityPem();
  return fmt::format(R"(
---
kind: ConfigMap
metadata: {{name: ca}}
data:
  ca.crt: |
{}
---
kind: ConfigMap
metadata: {{name: broken}}
data: {{ca.crt: no certificate}}
---
kind: ConfigMap
metadata: {{name: empty}}
data: {{tls.crt: x}}
---
kind: Secret
metadata: {{name: ca}}
data: {{ca.crt: {}}}
)",
                     indented(one), base::encodeBase64(other));
}

// A rule, and a policy for the Service web with this in its `validation`.
std::string withPolicy(std::string_view validation, std::string_view rest = "",
                       std::string_view rule = "  - backendRefs: [{name: web, port: 80}]") {
  return withRules(rule) +
         fmt::format(R"(
---
kind: BackendTLSPolicy
metadata: {{name: p}}
spec:
  targetRefs: [{{group: "", kind: Service, name: web}}]
  validation: {{{}}}
  {}
)",
                     validation, rest) +
         authorities();
}

std::string policy(std::string_view name, std::string_view target, std::string_view hostname) {
  return fmt::format(R"(
---
kind: BackendTLSPolicy
metadata: {{name: {}}}
spec:
  targetRefs: [{{group: "", kind: Service, {}}}]
  validation: {{hostname: {}, wellKnownCACertificates: System}}
)",
                     name, target, hostname);
}

#define CA "caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]"

struct PolicyCase {
  const char* name;
  const char* validation;
  const char* rest;
  const char* route;
  const char* status;
};

class TlsPolicyTest : public testing::TestWithParam<PolicyCase> {};

TEST_P(TlsPolicyTest, holds) {
  const auto result = World(withPolicy(GetParam().validation, GetParam().rest)).compile();
  EXPECT_EQ(modelText(result.model), "80: any / -> " + std::string(GetParam().route) + "\n") << GetParam().name;
  EXPECT_EQ(statusText(result, "BackendTLSPolicy"), "p at g: " + std::string(GetParam().status) + "\n")
      << GetParam().name;
  EXPECT_EQ(statusText(result, "HTTPRoute"), "r at g: " + std::string(kAccepted));
}

#define GOOD "Accepted=True(Accepted) ResolvedRefs=True(ResolvedRefs)"
#define BAD "Accepted=False(Invalid) ResolvedRefs=True(ResolvedRefs)"

INSTANTIATE_TEST_SUITE_P(
    Authorities, TlsPolicyTest,
    testing::Values(
        PolicyCase{"a ConfigMap's", "hostname: a.example.com, " CA, "",
                   "1x default/web:http, TLS as a.example.com by 1 authorities", GOOD},
        PolicyCase{"a ConfigMap's and a Secret's",
                   "hostname: a.example.com, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}, {group: '', "
                   "kind: Secret, name: ca}]",
                   "", "1x default/web:http, TLS as a.example.com by 2 authorities", GOOD},
        PolicyCase{"the system's", "hostname: a.example.com, wellKnownCACertificates: System", "",
                   "1x default/web:http, TLS as a.example.com by the system's authorities", GOOD},
        PolicyCase{"well known, but not here", "hostname: a.example.com, wellKnownCACertificates: example.com/ours", "",
                   "answer 500", BAD},
        PolicyCase{"a ConfigMap that isn't there",
                   "hostname: a.example.com, caCertificateRefs: [{group: '', kind: ConfigMap, name: gone}]", "",
                   "answer 500", "Accepted=False(NoValidCACertificate) ResolvedRefs=False(InvalidCACertificateRef)"},
        PolicyCase{"a ConfigMap without ca.crt",
                   "hostname: a.example.com, caCertificateRefs: [{group: '', kind: ConfigMap, name: empty}]", "",
                   "answer 500", "Accepted=False(NoValidCACertificate) ResolvedRefs=False(InvalidCACertificateRef)"},
        PolicyCase{"no certificate",
                   "hostname: a.example.com, caCertificateRefs: [{group: '', kind: ConfigMap, name: broken}]", "",
                   "answer 500", "Accepted=False(NoValidCACertificate) ResolvedRefs=False(InvalidCACertificateRef)"},
        PolicyCase{"of another kind",
                   "hostname: a.example.com, caCertificateRefs: [{group: x.example, kind: B, name: b}]", "",
                   "answer 500", "Accepted=False(NoValidCACertificate) ResolvedRefs=False(InvalidKind)"},
        PolicyCase{"of some that are there, and one that isn't",
                   "hostname: a.example.com, caCertificateRefs: [{group: '', kind: ConfigMap, name: gone}, {group: '', "
                   "kind: ConfigMap, name: ca}]",
                   "", "1x default/web:http, TLS as a.example.com by 1 authorities",
                   "Accepted=True(Accepted) ResolvedRefs=False(InvalidCACertificateRef)"}));

INSTANTIATE_TEST_SUITE_P(
    Names, TlsPolicyTest,
    testing::Values(
        PolicyCase{"the server's",
                   "hostname: a.example.com, subjectAltNames: [{type: Hostname, hostname: a.example.com}], " CA, "",
                   "1x default/web:http, TLS as a.example.com by 1 authorities", GOOD},
        PolicyCase{"another than the server's",
                   "hostname: a.example.com, subjectAltNames: [{type: Hostname, hostname: b.example.com}], " CA, "",
                   "answer 500", BAD},
        PolicyCase{"one of several",
                   "hostname: a.example.com, subjectAltNames: [{type: Hostname, hostname: a.example.com}, {type: "
                   "Hostname, hostname: c.example.com}], " CA,
                   "", "answer 500", BAD},
        PolicyCase{"a URI", "hostname: a.example.com, subjectAltNames: [{type: URI, uri: 'spiffe://a/b'}], " CA, "",
                   "answer 500", BAD},
        PolicyCase{"options", "hostname: a.example.com, " CA, "options: {example.com/min-version: '1.3'}", "answer 500",
                   BAD}));

TEST(TlsPolicies, ArePreferredByPortThenByAge) {
  const auto result = World(withRules("  - backendRefs: [{name: web, port: 80}]\n"
                                      "  - {matches: [{path: {value: /rpc}}], backendRefs: [{name: web, port: 90}]}\n"
                                      "  - {matches: [{path: {value: /tls}}], backendRefs: [{name: web, port: 443}]}") +
                            policy("z", "name: web", "all.example.com") + policy("a", "name: web", "late.example.com") +
                            policy("b", "name: web, sectionName: rpc", "rpc.example.com") +
                            policy("c", "name: web, sectionName: gone", "gone.example.com") +
                            policy("d", "name: web2", "else.example.com"))
                          .compile();
  EXPECT_EQ(modelText(result.model),
            "80: any / -> 1x default/web:http, TLS as all.example.com by the system's authorities\n"
            "80: any /rpc -> 1x default/web:rpc, h2, TLS as rpc.example.com by the system's authorities\n"
            "80: any /tls -> 1x default/web:tls, TLS as all.example.com by the system's authorities\n");
  EXPECT_EQ(statusText(result, "BackendTLSPolicy"),
            "z at g: " + std::string(kAccepted) +
                "a at g: Accepted=False(Conflicted) ResolvedRefs=True(ResolvedRefs)\n"
                "b at g: " +
                std::string(kAccepted) + "c at g: Accepted=False(TargetNotFound) ResolvedRefs=True(ResolvedRefs)\n");
}

TEST(TlsPolicies, HoldForMirrorsAndCallsOfGrpc) {
  EXPECT_EQ(routesOf(withRules(R"(
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]
    backendRefs: [{name: web2, port: 80}])") +
                     policy("p", "name: web", "a.example.com")),
            "80: any / -> 1x default/web2:, copy of 1/1 to default/web:http by TLS as a.example.com by the system's "
            "authorities\n");
  EXPECT_EQ(routesOf(withPolicy("hostname: a.example.com, wellKnownCACertificates: x.example/y", "", R"(
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web, port: 80}}}]
    backendRefs: [{name: web2, port: 80}])")),
            "80: any / -> 1x default/web2:\n");
  EXPECT_EQ(routesOf(R"(
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: wherry, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: GRPCRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}
)" + policy("p", "name: web", "a.example.com")),
            "80: any / -> 1x default/web:http, h2, TLS as a.example.com by the system's authorities\n");
}

TEST(TlsPolicies, LeaveTheirShareRefusedWhereTheyCannotHold) {
  EXPECT_EQ(routesOf(withPolicy("hostname: a.example.com, wellKnownCACertificates: x.example/y", "",
                                "  - backendRefs: [{name: web, port: 80, weight: 2}, {name: web2, port: 80}]")),
            "80: any / -> 1x default/web2:, 2x refused\n");
}

TEST(TlsPolicies, HoldForEachOfTheBackendsThatShareRequests) {
  EXPECT_EQ(routesOf(withRules("  - backendRefs: [{name: web, port: 80, weight: 9}, {name: web2, port: 80}]") +
                     policy("p", "name: web", "a.example.com") + policy("q", "name: web2", "b.example.com")),
            "80: any / 9 of 10 -> 9x default/web:http, TLS as a.example.com by the system's authorities\n"
            "80: any / -> 1x default/web2:, TLS as b.example.com by the system's authorities\n");
}

TEST(TlsPolicies, HoldForStreamsWhoseTlsEndsHereAndNotForOthers) {
  const auto routesAndStatus = [](std::string_view mode) {
    const auto result = World(fmt::format(R"(
kind: Gateway
metadata: {{name: g}}
spec:
  gatewayClassName: wherry
  listeners: [{{name: tls, port: 443, protocol: TLS, tls: {{mode: {}, certificateRefs: [{{name: c}}]}}}}]
---
kind: TLSRoute
metadata: {{name: t}}
spec: {{parentRefs: [{{name: g}}], hostnames: [a.example.com], rules: [{{backendRefs: [{{name: web, port: 443}}]}}]}}
)",
                                          mode) +
                              secret("c", {}) + policy("p", "name: web", "a.example.com"))
                            .compile();
    return modelText(result.model) + statusText(result, "BackendTLSPolicy");
  };
  EXPECT_EQ(routesAndStatus("Terminate"),
            "443: certificate default/c for any\n"
            "443: ended a.example.com -> 1x default/web:tls, TLS as a.example.com by the system's authorities\n"
            "443: refused any\np at g: " +
                std::string(kAccepted));
  EXPECT_EQ(routesAndStatus("Passthrough"), "443: through a.example.com -> 1x default/web:tls\n443: refused any\n");
}

TEST(TlsPolicies, AreNobodysBusinessWhereNoRouteLeads) {
  World world(withRules("  - backendRefs: [{name: web2, port: 80}]") + R"(
---
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: "", kind: Service, name: web}, {group: x.example, kind: Pool, name: web2}]
  validation: {hostname: a.example.com, wellKnownCACertificates: System}
status:
  ancestors:
    - ancestorRef: {group: gateway.networking.k8s.io, kind: Gateway, name: theirs}
      controllerName: example.com/gateways
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: x, lastTransitionTime: "2025-01-01T00:00:00Z"}]
    - ancestorRef: {group: gateway.networking.k8s.io, kind: Gateway, namespace: default, name: g}
      controllerName: wherry.dev/gateway-controller
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: x, lastTransitionTime: "2025-01-01T00:00:00Z"}]
)");
  EXPECT_EQ(statusText(world.compile(), "BackendTLSPolicy"), "p at theirs: Accepted=True(Accepted)\n");
}

TEST(TlsPolicies, AreTakenFromTheirOwnNamespaceAlone) {
  EXPECT_EQ(routesOf(withRules("  - backendRefs: [{name: web, port: 80}]") +
                     policy("p, namespace: other", "name: web", "a.example.com")),
            "80: any / -> 1x default/web:http\n");
}

}  // namespace
}  // namespace wherry::ingress
