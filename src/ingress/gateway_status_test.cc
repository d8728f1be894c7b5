#include "ingress/gateway_status.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "ingress/gateway_test_world.h"

namespace wherry::ingress {
namespace {

using json::getString;

TEST(GatewayStatus, SaysWhatIsWrongWithACertificate) {
  auto verdict = [](const std::string& manifests) { return statusesOf("Gateway", manifests); };
  const std::string good =
      "g: Accepted=True(Accepted) Programmed=True(Programmed)\n"
      "g/https 1 [HTTPRoute,GRPCRoute]: Accepted=True(Accepted) Conflicted=False(NoConflicts) "
      "Programmed=True(Programmed) ";
  const std::string bad =
      "g: Accepted=True(Accepted) Programmed=False(Invalid)\n"
      "g/https 1 [HTTPRoute,GRPCRoute]: Accepted=True(Accepted) Conflicted=False(NoConflicts) "
      "Programmed=False(Invalid) ";
  EXPECT_EQ(verdict(withTls("{name: c}") + secret("c", {})), good + "ResolvedRefs=True(ResolvedRefs)\n");
  EXPECT_EQ(verdict(withTls("{name: c}, {name: gone}") + secret("c", {})),
            good + "ResolvedRefs=False(InvalidCertificateRef)\n");
  EXPECT_EQ(verdict(withTls("{name: gone}")), bad + "ResolvedRefs=False(InvalidCertificateRef)\n");
  EXPECT_EQ(verdict(withTls("{kind: ConfigMap, name: c}")), bad + "ResolvedRefs=False(InvalidCertificateRef)\n");
  EXPECT_EQ(verdict(withTls("{name: c, namespace: other}")), bad + "ResolvedRefs=False(RefNotPermitted)\n");
  EXPECT_EQ(verdict(withTls("{name: c}") + "---\nkind: Secret\nmetadata: {name: c}\ndata: {tls.crt: aGk=}\n"),
            bad + "ResolvedRefs=False(InvalidCertificateRef)\n");
}

TEST(GatewayStatus, NamesTheSecretsThatWereLookedFor) {
  const auto secrets = World(withTls("{name: c}, {name: d, namespace: other}")).compile().secrets;
  EXPECT_EQ(secrets, (std::set<meta::ObjectKey>{{"default", "c"}}));
}

TEST(GatewayStatus, SaysThatHAProxyTakesNothing) {
  World world(
      "kind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: wherry, listeners: [{name: a, port: 80, protocol: "
      "HTTP}]}\n");
  world.place.trouble = "no such program";
  EXPECT_EQ(statusText(world.compile(), "Gateway"),
            "g: Accepted=True(Accepted) Programmed=False(Pending)\n"
            "g/a 0 [HTTPRoute,GRPCRoute]: Accepted=True(Accepted) Conflicted=False(NoConflicts) "
            "Programmed=False(Pending) ResolvedRefs=True(ResolvedRefs)\n");
}

// -- what Gateways and their listeners hear --

struct GatewayCase {
  const char* name;
  const char* spec;
  const char* status;
};

class GatewayTest : public testing::TestWithParam<GatewayCase> {};

TEST_P(GatewayTest, hears) {
  World world(
      fmt::format("kind: Gateway\nmetadata: {{name: g}}\nspec: {{gatewayClassName: wherry, {}}}\n", GetParam().spec));
  world.place.unavailable[81] = "another program has it";
  world.place.taken = {{82, false}, {83, true}};
  EXPECT_EQ(statusText(world.compile(), "Gateway"), GetParam().status) << GetParam().name;
}

#define ROUTED "[HTTPRoute,GRPCRoute]:"
#define SERVED                                                                          \
  " Accepted=True(Accepted) Conflicted=False(NoConflicts) Programmed=True(Programmed) " \
  "ResolvedRefs=True(ResolvedRefs)\n"
#define UNSERVED(reason)    \
  " Accepted=False(" reason \
  ") Conflicted=False(NoConflicts) Programmed=False(Invalid) ResolvedRefs=True(ResolvedRefs)\n"
#define CLASHED(reason) \
  " Accepted=False(Invalid) Conflicted=True(" reason ") Programmed=False(Invalid) ResolvedRefs=True(ResolvedRefs)\n"
#define IDLE \
  " Accepted=True(Accepted) Conflicted=False(NoConflicts) Programmed=False(Invalid) ResolvedRefs=True(ResolvedRefs)\n"
#define NONE_VALID "g: Accepted=False(ListenersNotValid) Programmed=False(Invalid)\n"

INSTANTIATE_TEST_SUITE_P(
    Listeners, GatewayTest,
    testing::Values(
        GatewayCase{"all is well", "listeners: [{name: a, port: 80, protocol: HTTP}]",
                    "g: Accepted=True(Accepted) Programmed=True(Programmed)\ng/a 0 " ROUTED SERVED},
        GatewayCase{"protocols in any case", "listeners: [{name: a, port: 80, protocol: http}]",
                    "g: Accepted=True(Accepted) Programmed=True(Programmed)\ng/a 0 " ROUTED SERVED},
        GatewayCase{"a protocol that isn't served, beside one that is",
                    "listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 53, protocol: UDP}]",
                    "g: Accepted=True(ListenersNotValid) Programmed=True(Programmed)\ng/a 0 " ROUTED SERVED
                    "g/b 0 []:" UNSERVED("UnsupportedProtocol")},
        GatewayCase{"TLS ended for TLSRoutes without a certificate",
                    "listeners: [{name: a, port: 443, protocol: TLS, tls: {mode: Terminate}}]",
                    "g: Accepted=True(Accepted) Programmed=False(Invalid)\n"
                    "g/a 0 [TLSRoute]: Accepted=True(Accepted) Conflicted=False(NoConflicts) "
                    "Programmed=False(Invalid) ResolvedRefs=False(InvalidCertificateRef)\n"},
        GatewayCase{"TLS of one host ended in two ways",
                    "listeners: [{name: a, port: 443, protocol: TLS, hostname: a.example, tls: {mode: Passthrough}}, "
                    "{name: b, port: 443, protocol: TLS, hostname: a.example, tls: {mode: Terminate}}]",
                    NONE_VALID "g/a 0 [TLSRoute]:" CLASHED(
                        "HostnameConflict") "g/b 0 [TLSRoute]: Accepted=False(Invalid) "
                                            "Conflicted=True(HostnameConflict) Programmed=False(Invalid) "
                                            "ResolvedRefs=False(InvalidCertificateRef)\n"},
        GatewayCase{"TLS options",
                    "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {options: {a.example/x: y}}}]",
                    NONE_VALID "g/a 0 " ROUTED UNSERVED("UnsupportedValue")},
        GatewayCase{
            "certificates of clients",
            "tls: {frontend: {default: {validation: {caCertificateRefs: [{group: '', kind: ConfigMap, name: c}]}}}}, "
            "listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}]",
            NONE_VALID "g/a 0 " ROUTED UNSERVED("UnsupportedValue")},
        GatewayCase{"a port that somebody else has", "listeners: [{name: a, port: 81, protocol: HTTP}]",
                    NONE_VALID "g/a 0 " ROUTED UNSERVED("PortUnavailable")},
        GatewayCase{"ports that Ingresses have",
                    "listeners: [{name: a, port: 82, protocol: HTTP}, {name: b, port: 83, protocol: HTTP}]",
                    "g: Accepted=True(ListenersNotValid) Programmed=True(Programmed)\ng/a 0 " ROUTED SERVED
                    "g/b 0 " ROUTED UNSERVED("PortUnavailable")},
        GatewayCase{"with and without TLS on one port",
                    "listeners: [{name: a, port: 80, protocol: HTTP}, {name: b, port: 80, protocol: TLS, tls: {mode: "
                    "Passthrough}}, "
                    "{name: c, port: 8080, protocol: HTTP}]",
                    "g: Accepted=True(ListenersNotValid) Programmed=True(Programmed)\n"
                    "g/a 0 " ROUTED CLASHED("ProtocolConflict") "g/b 0 [TLSRoute]:" CLASHED(
                        "ProtocolConflict") "g/c 0 " ROUTED SERVED},
        GatewayCase{"one host twice",
                    "listeners: [{name: a, port: 80, protocol: HTTP, hostname: a.example}, {name: b, port: 80, "
                    "protocol: http, hostname: a.example}]",
                    NONE_VALID "g/a 0 " ROUTED CLASHED("HostnameConflict") "g/b 0 " ROUTED CLASHED("HostnameConflict")},
        GatewayCase{
            "kinds of routes, one of them unknown",
            "listeners: [{name: a, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: HTTPRoute}, {kind: "
            "TCPRoute}]}}]",
            "g: Accepted=True(Accepted) Programmed=True(Programmed)\n"
            "g/a 0 [HTTPRoute]: Accepted=True(Accepted) Conflicted=False(NoConflicts) Programmed=True(Programmed) "
            "ResolvedRefs=False(InvalidRouteKinds)\n"}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, GatewayTest,
    testing::Values(
        GatewayCase{"one of the node's",
                    "addresses: [{value: 192.0.2.2}], listeners: [{name: a, port: 80, protocol: HTTP}]",
                    "g: Accepted=True(Accepted) Programmed=True(Programmed)\ng/a 0 " ROUTED SERVED},
        GatewayCase{"not one of the node's",
                    "addresses: [{value: 192.0.2.9}], listeners: [{name: a, port: 80, protocol: HTTP}]",
                    "g: Accepted=True(Accepted) Programmed=False(AddressNotUsable)\ng/a 0 " ROUTED SERVED},
        GatewayCase{"a name",
                    "addresses: [{type: Hostname, value: a.example}], listeners: [{name: a, port: 80, protocol: HTTP}]",
                    "g: Accepted=False(UnsupportedAddress) Programmed=False(Invalid)\ng/a 0 " ROUTED IDLE},
        GatewayCase{"parameters that nobody knows",
                    "infrastructure: {parametersRef: {group: a.example, kind: P, name: p}}, listeners: [{name: a, "
                    "port: 80, protocol: HTTP}]",
                    "g: Accepted=False(InvalidParameters) Programmed=False(Invalid)\ng/a 0 " ROUTED IDLE}));

TEST(GatewayStatus, SaysWhereAGatewayIsReached) {
  World world(
      "kind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: wherry, listeners: [{name: a, port: 80, protocol: "
      "HTTP}]}\n");
  auto result = world.compile();
  EXPECT_EQ(json::serialize(result.statuses[1].status.at("addresses")),
            R"([{"type":"IPAddress","value":"192.0.2.1"},{"type":"IPAddress","value":"192.0.2.2"}])");
  world.place.addresses.clear();
  EXPECT_EQ(statusText(world.compile(), "Gateway"),
            "g: Accepted=True(Accepted) Programmed=False(AddressNotAssigned)\ng/a 0 " ROUTED SERVED);
}

TEST(GatewayStatus, OfTheYoungerGatewaySaysThatThePortIsTaken) {
  const std::string two = R"(
kind: Gateway
metadata: {name: z}
spec: {gatewayClassName: wherry, listeners: [{name: a, port: 80, protocol: HTTP}]}
---
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners:
    - {name: a, port: 80, protocol: TLS, tls: {mode: Passthrough}}
    - {name: b, port: 81, protocol: HTTP}
---
kind: Gateway
metadata: {name: same}
spec: {gatewayClassName: wherry, listeners: [{name: a, port: 80, protocol: HTTP}]}
)";
  EXPECT_EQ(
      statusesOf("Gateway", two),
      "z: Accepted=True(Accepted) Programmed=True(Programmed)\nz/a 0 " ROUTED SERVED
      "g: Accepted=True(ListenersNotValid) Programmed=True(Programmed)\ng/a 0 [TLSRoute]:" UNSERVED(
          "PortUnavailable") "g/b 0 " ROUTED SERVED
                             "same: Accepted=True(Accepted) Programmed=True(Programmed)\nsame/a 0 " ROUTED SERVED);
}

TEST(GatewayStatus, OfTheYoungerGatewaySaysThatTlsOfAHostEndsElsewhere) {
  const auto status = statusesOf("Gateway", R"(
kind: Gateway
metadata: {name: z}
spec:
  gatewayClassName: wherry
  listeners: [{name: a, port: 443, protocol: TLS, hostname: a.example.com, tls: {mode: Passthrough}}]
---
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners:
    - {name: a, port: 443, protocol: TLS, hostname: a.example.com, tls: {certificateRefs: [{name: c}]}}
    - {name: b, port: 443, protocol: TLS, hostname: b.example.com, tls: {certificateRefs: [{name: c}]}}
)" + secret("c", {}));
  EXPECT_EQ(status, "z: Accepted=True(Accepted) Programmed=True(Programmed)\nz/a 0 [TLSRoute]:" SERVED
                    "g: Accepted=True(ListenersNotValid) Programmed=True(Programmed)\n"
                    "g/a 0 [TLSRoute]:" UNSERVED("PortUnavailable") "g/b 0 [TLSRoute]:" SERVED);
}

TEST(GatewayStatus, WarnsOfCertificatesWhoseHostsOverlap) {
  const auto status = statusesOf("Gateway", R"(
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners:
    - {name: a, port: 443, protocol: HTTPS, hostname: a.example.com, tls: {certificateRefs: [{name: c}]}}
    - {name: b, port: 443, protocol: HTTPS, hostname: "*.example.com", tls: {certificateRefs: [{name: c}]}}
    - {name: c, port: 443, protocol: HTTPS, hostname: a.example.net, tls: {certificateRefs: [{name: c}]}}
)" + secret("c", {}));
  EXPECT_NE(
      status.find("g/a 0 " ROUTED " Accepted=True(Accepted) Conflicted=False(NoConflicts) Programmed=True(Programmed) "
                  "ResolvedRefs=True(ResolvedRefs) OverlappingTLSConfig=True(OverlappingHostnames)\n"),
      std::string::npos)
      << status;
  EXPECT_EQ(std::ranges::count(status, '\n'), 4);
  EXPECT_NE(status.find("g/c 0 " ROUTED SERVED), std::string::npos) << status;
}

// -- what routes hear --

struct ParentCase {
  const char* name;
  const char* route;
  const char* status;
};

class ParentTest : public testing::TestWithParam<ParentCase> {};

TEST_P(ParentTest, isHeardOf) {
  EXPECT_EQ(statusesOf("HTTPRoute", std::string(R"(
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners:
    - {name: same, port: 80, protocol: HTTP, hostname: "*.example.com"}
    - {name: all, port: 81, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
    - {name: blue, port: 82, protocol: HTTP, allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {team: blue}}}}}
    - {name: grpc, port: 83, protocol: HTTP, allowedRoutes: {kinds: [{kind: GRPCRoute}]}}
    - {name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}
---
kind: HTTPRoute
)") + GetParam().route),
            GetParam().status)
      << GetParam().name;
}

#define ACCEPTED "Accepted=True(Accepted) ResolvedRefs=True(ResolvedRefs)\n"
#define REFUSED(reason) "Accepted=False(" reason ") ResolvedRefs=True(ResolvedRefs)\n"
#define RULES "rules: [{backendRefs: [{name: web, port: 80}]}]"

INSTANTIATE_TEST_SUITE_P(
    Parents, ParentTest,
    testing::Values(
        ParentCase{"a Gateway that isn't there", "metadata: {name: r}\nspec: {parentRefs: [{name: gone}], " RULES "}",
                   ""},
        ParentCase{"no Gateway",
                   "metadata: {name: r}\nspec: {parentRefs: [{group: '', kind: Service, name: g}], " RULES "}", ""},
        ParentCase{"the whole Gateway", "metadata: {name: r}\nspec: {parentRefs: [{name: g}], " RULES "}",
                   "r at g: " ACCEPTED},
        ParentCase{"a listener", "metadata: {name: r}\nspec: {parentRefs: [{name: g, sectionName: same}], " RULES "}",
                   "r at g: " ACCEPTED},
        ParentCase{"a port", "metadata: {name: r}\nspec: {parentRefs: [{name: g, port: 81}], " RULES "}",
                   "r at g: " ACCEPTED},
        ParentCase{"a listener that isn't there",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g, sectionName: gone}], " RULES "}",
                   "r at g: " REFUSED("NoMatchingParent")},
        ParentCase{"a listener with another port",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g, sectionName: same, port: 81}], " RULES "}",
                   "r at g: " REFUSED("NoMatchingParent")},
        ParentCase{"a listener for other kinds",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g, sectionName: grpc}], " RULES "}",
                   "r at g: " REFUSED("NotAllowedByListeners")},
        ParentCase{"a listener for TLS",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g, sectionName: tls}], " RULES "}",
                   "r at g: " REFUSED("NotAllowedByListeners")},
        ParentCase{
            "hosts of nobody",
            "metadata: {name: r}\nspec: {hostnames: [a.example.net], parentRefs: [{name: g, sectionName: same}], " RULES
            "}",
            "r at g: " REFUSED("NoMatchingListenerHostname")},
        ParentCase{"from another namespace, to one that takes its own",
                   "metadata: {name: r, namespace: other}\nspec: {parentRefs: [{name: g, namespace: default, "
                   "sectionName: same}], "
                   "rules: [{backendRefs: [{name: far, port: 80}]}]}",
                   "r at g: " REFUSED("NotAllowedByListeners")},
        ParentCase{"from another namespace, to one that takes all",
                   "metadata: {name: r, namespace: other}\nspec: {parentRefs: [{name: g, namespace: default, "
                   "sectionName: all}], "
                   "rules: [{backendRefs: [{name: far, port: 80}]}]}",
                   "r at g: " ACCEPTED},
        ParentCase{"from a namespace that is selected",
                   "metadata: {name: r, namespace: other}\nspec: {parentRefs: [{name: g, namespace: default, "
                   "sectionName: blue}], "
                   "rules: [{backendRefs: [{name: far, port: 80}]}]}",
                   "r at g: " ACCEPTED},
        ParentCase{"from a namespace that isn't selected",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g, sectionName: blue}], " RULES "}",
                   "r at g: " REFUSED("NotAllowedByListeners")}));

INSTANTIATE_TEST_SUITE_P(
    Rules, ParentTest,
    testing::Values(
        ParentCase{
            "a backend that isn't there",
            "metadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: gone, port: 80}]}]}",
            "r at g: Accepted=True(Accepted) ResolvedRefs=False(BackendNotFound)\n"},
        ParentCase{"a backend of an unknown kind",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{group: a.example, "
                   "kind: B, name: b}]}]}",
                   "r at g: Accepted=True(Accepted) ResolvedRefs=False(InvalidKind)\n"},
        ParentCase{
            "a backend that speaks what isn't spoken here",
            "metadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 443}]}]}",
            "r at g: Accepted=True(Accepted) ResolvedRefs=False(UnsupportedProtocol)\n"},
        ParentCase{"no rule can be served",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{matches: [{path: {type: "
                   "RegularExpression, value: '('}}]}]}",
                   "r at g: " REFUSED("UnsupportedValue")},
        ParentCase{"a rule can't be served, another can",
                   "metadata: {name: r}\nspec: {parentRefs: [{name: g}], rules: [{matches: [{path: {type: "
                   "RegularExpression, value: '('}}]}, "
                   "{backendRefs: [{name: web, port: 80}]}]}",
                   "r at g: Accepted=True(Accepted) ResolvedRefs=True(ResolvedRefs) "
                   "PartiallyInvalid=True(UnsupportedValue)\n"}));

TEST(GatewayStatus, CountsTheRoutesOfAListener) {
  const auto status = statusesOf("Gateway", std::string(kHostListeners) + R"(
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], hostnames: [a.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: s}
spec: {parentRefs: [{name: g, sectionName: every}], rules: [{backendRefs: [{name: gone, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: t, namespace: other}
spec: {parentRefs: [{name: g, namespace: default}], rules: [{backendRefs: [{name: web, port: 80}]}]}
)");
  EXPECT_NE(status.find("g/every 2 "), std::string::npos) << status;
  EXPECT_NE(status.find("g/wild 1 "), std::string::npos) << status;
  EXPECT_NE(status.find("g/one 1 "), std::string::npos) << status;
}

TEST(GatewayStatus, AcceptsOnlyTheOlderOfTwoKindsOfRoutesForAHost) {
  World world(R"(
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: wherry, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: GRPCRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], hostnames: [a.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: s}
spec: {parentRefs: [{name: g}], hostnames: ["*.example.com"], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: t}
spec: {parentRefs: [{name: g}], hostnames: [b.example.com], rules: [{backendRefs: [{name: web, port: 80}]}]}
)");
  const auto result = world.compile();
  EXPECT_EQ(statusText(result, "GRPCRoute"), "r at g: " ACCEPTED);
  EXPECT_EQ(statusText(result, "HTTPRoute"), "s at g: " REFUSED("HostnameConflict") "t at g: " ACCEPTED);
  EXPECT_EQ(modelText(result.model),
            "80: a.example.com / -> 1x default/web:http, h2c\n"
            "80: b.example.com / -> 1x default/web:http\n");
}

TEST(GatewayStatus, KeepsWhatOthersWroteAndWhenThingsChanged) {
  World world(R"(
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: wherry, listeners: [{name: http, port: 80, protocol: HTTP}]}
status:
  conditions:
    - {type: example.com/Seen, status: "True", reason: Seen, message: x, lastTransitionTime: "2025-01-01T00:00:00Z"}
    - {type: Accepted, status: "True", reason: Accepted, message: old, observedGeneration: 1, lastTransitionTime: "2025-01-01T00:00:00Z"}
---
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}, {name: theirs}], rules: [{backendRefs: [{name: web, port: 80}]}]}
status:
  parents:
    - parentRef: {name: theirs}
      controllerName: example.com/gateways
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: x, lastTransitionTime: "2025-01-01T00:00:00Z"}]
    - parentRef: {name: old}
      controllerName: wherry.dev/gateway-controller
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: x, lastTransitionTime: "2025-01-01T00:00:00Z"}]
)");
  const auto result = world.compile();
  EXPECT_EQ(
      statusText(result, "Gateway"),
      "g: example.com/Seen=True(Seen) Accepted=True(Accepted) Programmed=True(Programmed)\ng/http 1 " ROUTED SERVED);
  EXPECT_EQ(statusText(result, "HTTPRoute"), "r at theirs: Accepted=True(Accepted)\nr at g: " ACCEPTED);
  const json::Value& conditions = result.statuses[1].status.at("conditions");
  EXPECT_EQ(json::serialize(conditions.at(1)),
            R"({"type":"Accepted","status":"True","lastTransitionTime":"2025-01-01T00:00:00Z","observedGeneration":3,)"
            R"("reason":"Accepted","message":"the Gateway is accepted"})");
  EXPECT_EQ(getString(conditions.at(2), "lastTransitionTime"), kNow);
}

TEST(GatewayStatus, IsWrittenOnce) {
  World world(std::string(kHostListeners) + R"(
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: gone, port: 80}]}]}
)");
  auto first = world.compile();
  EXPECT_EQ(first.statuses.size(), 3U);
  World later("");
  later.objects = {};
  later.others = world.others;
  for (const StatusChange& each : first.statuses) {
    json::Value tree = each.object->tree();
    tree.as_object()["status"] = each.status;
    const auto object = std::make_shared<meta::Object>(std::move(tree));
    if (each.resource.kind == "GatewayClass") later.objects.classes.emplace_back(object);
    if (each.resource.kind == "Gateway") later.objects.gateways.emplace_back(object);
    if (each.resource.kind == "HTTPRoute") later.objects.httpRoutes.emplace_back(object);
  }
  EXPECT_TRUE(later.compile("2027-01-01T00:00:00Z").statuses.empty());
}

TEST(GatewayStatus, OfARouteThatLeftForgetsTheGateway) {
  World world(R"(
kind: HTTPRoute
metadata: {name: r}
spec: {rules: [{backendRefs: [{name: web, port: 80}]}]}
status:
  parents:
    - parentRef: {name: g}
      controllerName: wherry.dev/gateway-controller
      conditions: [{type: Accepted, status: "True", reason: Accepted, message: x, lastTransitionTime: "2025-01-01T00:00:00Z"}]
)");
  const auto result = world.compile();
  ASSERT_EQ(result.statuses.size(), 2U);
  EXPECT_EQ(json::serialize(result.statuses[1].status), R"({"parents":[]})");
}

}  // namespace
}  // namespace wherry::ingress
