#include "ingress/gateway_routes.h"

#include <gtest/gtest.h>

#include "ingress/gateway_test_world.h"

namespace wherry::ingress {
namespace {

TEST(GatewayRoutes, TakeNothingWithoutAGatewayOfOurs) {
  const auto result = World(R"(
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: theirs, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}
)")
                          .compile();
  EXPECT_EQ(modelText(result.model), "");
  EXPECT_EQ(statusText(result, "Gateway") + statusText(result, "HTTPRoute"), "");
  EXPECT_EQ(statusText(result, "GatewayClass"),
            "wherry: Accepted=True(Accepted) SupportedVersion=True(SupportedVersion)\n");
}

struct RuleCase {
  const char* name;
  const char* rules;
  const char* routes;
};

class RuleTest : public testing::TestWithParam<RuleCase> {};

TEST_P(RuleTest, becomeRoutes) {
  EXPECT_EQ(routesOf(withRules(GetParam().rules)), GetParam().routes) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(Matches, RuleTest,
                         testing::Values(RuleCase{"a rule that says nothing but where",
                                                  "  - backendRefs: [{name: web, port: 80}]",
                                                  "80: any / -> 1x default/web:http\n"},
                                         RuleCase{"each match is a route", R"(
  - matches: [{path: {type: Exact, value: /a}}, {path: {value: /b/}}, {path: {type: RegularExpression, value: "/c[0-9]+"}}]
    backendRefs: [{name: web2, port: 80}])",
                                                  "80: any =/a -> 1x default/web2:\n"
                                                  "80: any /b -> 1x default/web2:\n"
                                                  "80: any ~(?-i:/c[0-9]+)$ -> 1x default/web2:\n"},
                                         RuleCase{"method, headers and parameters; of equal names the first", R"(
  - matches:
      - method: POST
        headers: [{name: X-A, value: "1"}, {name: x-a, value: "2"}, {name: B, type: RegularExpression, value: "v.*"}]
        queryParams: [{name: Q, value: x}]
    backendRefs: [{name: web, port: 80}])",
                                                  "80: any / POST x-a=1 b~v.* ?Q=x -> 1x default/web:http\n"},
                                         RuleCase{"what is no regular expression is dropped", R"(
  - matches: [{path: {type: RegularExpression, value: "/("}}]
    backendRefs: [{name: web, port: 80}]
  - backendRefs: [{name: web, port: 80}])",
                                                  "80: any / -> 1x default/web:http\n"}));

INSTANTIATE_TEST_SUITE_P(
    Backends, RuleTest,
    testing::Values(RuleCase{"weights are shares, and 0 is one too",
                             "  - backendRefs: [{name: web, port: 80, weight: 9}, {name: web2, port: 80}, {name: web2, "
                             "port: 80, weight: 0}]",
                             "80: any / -> 9x default/web:http, 1x default/web2:, 0x default/web2:\n"},
                    RuleCase{"a backend that isn't there keeps its share, which is refused",
                             "  - backendRefs: [{name: web, port: 80, weight: 3}, {name: gone, port: 80, weight: 2}]",
                             "80: any / -> 3x default/web:http, 2x refused\n"},
                    RuleCase{"nobody is there", "  - backendRefs: [{name: gone, port: 80}]",
                             "80: any / -> answer 500\n"},
                    RuleCase{"nobody is named", "  - matches: [{path: {value: /x}}]", "80: any /x -> answer 500\n"},
                    RuleCase{"all weights are 0", "  - backendRefs: [{name: web, port: 80, weight: 0}]",
                             "80: any / -> answer 500\n"},
                    RuleCase{"a port that isn't the Service's", "  - backendRefs: [{name: web, port: 81}]",
                             "80: any / -> answer 500\n"},
                    RuleCase{"a Service without endpoints", "  - backendRefs: [{name: outside, port: 80}]",
                             "80: any / -> answer 500\n"},
                    RuleCase{"a Service of another namespace that allows nobody",
                             "  - backendRefs: [{name: far, namespace: other, port: 80}]", "80: any / -> answer 500\n"},
                    RuleCase{"of backends that speak different protocols one is chosen by its weight",
                             "  - backendRefs: [{name: web, port: 80, weight: 9}, {name: web, port: 90}]",
                             "80: any / 9 of 10 -> 9x default/web:http\n"
                             "80: any / -> 1x default/web:rpc, h2c\n"},
                    RuleCase{"HTTP/2 without TLS", "  - backendRefs: [{name: web, port: 90}]",
                             "80: any / -> 1x default/web:rpc, h2c\n"},
                    RuleCase{"TLS to the backend can't be spoken", "  - backendRefs: [{name: web, port: 443}]",
                             "80: any / -> answer 500\n"}));

INSTANTIATE_TEST_SUITE_P(
    Filters, RuleTest,
    testing::Values(
        RuleCase{"headers of requests and answers", R"(
  - filters:
      - {type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: A, value: "1"}], add: [{name: B, value: "2"}], remove: [C]}}
      - {type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: D, value: "3"}]}}
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> 1x default/web:http, request A=1, request B+=2, request C-, response D+=3\n"},
        RuleCase{"a redirect to the listener's own port and scheme", R"(
  - filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org, statusCode: 301}}])",
                 "80: any / -> 301 to http://example.org:0 0\n"},
        RuleCase{"a redirect to HTTPS is to its port", R"(
  - filters: [{type: RequestRedirect, requestRedirect: {scheme: https, path: {type: ReplaceFullPath, replaceFullPath: /p}}}])",
                 "80: any / -> 302 to https://:0 1/p\n"},
        RuleCase{"another host and path for the backend", R"(
  - matches: [{path: {value: /old}}]
    filters: [{type: URLRewrite, urlRewrite: {hostname: in.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]
    backendRefs: [{name: web, port: 80}])",
                 "80: any /old -> 1x default/web:http, path prefix=/new, host in.example\n"},
        RuleCase{"other origins", R"(
  - filters: [{type: CORS, cors: {allowOrigins: ["https://*.example.com"]}}]
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> 1x default/web:http, cors https://*.example.com\n"},
        RuleCase{"a filter of the only backend is one of the rule", R"(
  - backendRefs:
      - {name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [C]}}]})",
                 "80: any / -> 1x default/web:http, request C-\n"},
        RuleCase{"of backends with filters of their own one is chosen by its weight", R"(
  - matches: [{path: {value: /a}}, {path: {value: /b}}]
    filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: A, value: "1"}]}}]
    backendRefs:
      - {name: web, port: 80, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [C]}}]}
      - {name: web2, port: 80, weight: 2}
      - {name: web, port: 80, weight: 3, filters: [{type: URLRewrite, urlRewrite: {hostname: in.example}}]}
      - {name: web, port: 80, weight: 0, filters: [{type: URLRewrite, urlRewrite: {hostname: never.example}}]}
      - {name: web2, port: 80, weight: 4, filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [C]}}]})",
                 "80: any /a 5 of 10 -> 1x default/web:http, 4x default/web2:, request A=1, request C-\n"
                 "80: any /a 2 of 5 -> 2x default/web2:, request A=1\n"
                 "80: any /a -> 3x default/web:http, host in.example, request A=1\n"
                 "80: any /b 5 of 10 -> 1x default/web:http, 4x default/web2:, request A=1, request C-\n"
                 "80: any /b 2 of 5 -> 2x default/web2:, request A=1\n"
                 "80: any /b -> 3x default/web:http, host in.example, request A=1\n"},
        RuleCase{"each backend has its own mirror", R"(
  - backendRefs:
      - {name: web, port: 80, filters: [{type: RequestMirror, requestMirror: {backendRef: {name: web2, port: 80}}}]}
      - {name: web2, port: 80})",
                 "80: any / 1 of 2 -> 1x default/web:http, copy of 1/1 to default/web2:\n"
                 "80: any / -> 1x default/web2:\n"},
        RuleCase{"what can't be sent is refused, though others are redirected", R"(
  - backendRefs:
      - {name: web, port: 80, filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org}}]}
      - {name: gone, port: 80, weight: 2})",
                 "80: any / 1 of 3 -> 302 to http://example.org:0 0\n"
                 "80: any / -> answer 500\n"},
        RuleCase{"what can't be sent is a share of those that are", R"(
  - backendRefs:
      - {name: web, port: 80, filters: [{type: RequestRedirect, requestRedirect: {hostname: example.org}}]}
      - {name: gone, port: 80, weight: 2}
      - {name: web2, port: 80, weight: 3})",
                 "80: any / 1 of 6 -> 302 to http://example.org:0 0\n"
                 "80: any / -> 3x default/web2:, 2x refused\n"},
        RuleCase{"copies to several mirrors, of all requests or a part", R"(
  - filters:
      - {type: RequestMirror, requestMirror: {backendRef: {name: web2, port: 80}}}
      - {type: RequestMirror, requestMirror: {backendRef: {name: web, port: 90}, percent: 42}}
      - {type: RequestMirror, requestMirror: {backendRef: {name: web2, port: 80}, fraction: {numerator: 1}}}
      - {type: RequestMirror, requestMirror: {backendRef: {name: web2, port: 80}, fraction: {numerator: 1, denominator: 3}}}
      - {type: RequestMirror, requestMirror: {backendRef: {name: web2, port: 80}, percent: 0}}
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> 1x default/web:http, copy of 1/1 to default/web2:, copy of 42/100 to default/web:rpc by "
                 "h2c, copy of 1/100 to default/web2:, copy of 1/3 to default/web2:\n"},
        RuleCase{"a mirror that leads nowhere isn't there", R"(
  - filters:
      - {type: RequestMirror, requestMirror: {backendRef: {name: gone, port: 80}}}
      - {type: RequestMirror, requestMirror: {backendRef: {name: far, namespace: other, port: 80}}}
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> 1x default/web:http\n"},
        RuleCase{"a filter that nobody knows answers with an error", R"(
  - filters: [{type: ExtensionRef, extensionRef: {group: example.com, kind: Limit, name: l}}]
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> answer 500\n"},
        RuleCase{"the shorter of two time-outs", R"(
  - timeouts: {request: 10s, backendRequest: 1s500ms}
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> 1x default/web:http, within 1500 ms\n"},
        RuleCase{"no time-out", R"(
  - timeouts: {request: 0s}
    backendRefs: [{name: web, port: 80}])",
                 "80: any / -> 1x default/web:http\n"}));

TEST(GatewayRoutes, OfOlderObjectsComeFirst) {
  EXPECT_EQ(routesOf(R"(
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: wherry, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: HTTPRoute
metadata: {name: z}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: HTTPRoute
metadata: {name: a}
spec: {parentRefs: [{name: g}], hostnames: [b.example.com, a.example.com], rules: [{backendRefs: [{name: web2, port: 80}]}]}
)"),
            "80: any / -> 1x default/web:http\n"
            "80: b.example.com / -> 1x default/web2:\n"
            "80: a.example.com / -> 1x default/web2:\n");
}

TEST(GatewayRoutes, OfAListenerAreForItsHostsAndNoCloserOnes) {
  EXPECT_EQ(routesOf(std::string(kHostListeners) + R"(
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{name: g, sectionName: every}]
  hostnames: [a.example.com, b.example.com, "*.example.com", b.example.net]
  rules: [{backendRefs: [{name: web, port: 80}]}]
---
kind: HTTPRoute
metadata: {name: s}
spec:
  parentRefs: [{name: g, sectionName: wild}]
  hostnames: [a.example.com, b.c.example.com]
  rules: [{backendRefs: [{name: web2, port: 80}]}]
)"),
            "80: b.example.net / -> 1x default/web:http\n"
            "80: b.c.example.com / -> 1x default/web2:\n"
            "80: *.example.com deep / -> answer 404\n"
            "80: a.example.com / -> answer 404\n");
}

TEST(GatewayRoutes, AttachToEveryListenerThatTakesThem) {
  EXPECT_EQ(routesOf(std::string(kHostListeners) + R"(
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}
)"),
            "80: any / -> 1x default/web:http\n"
            "80: *.example.com deep / -> 1x default/web:http\n"
            "80: a.example.com / -> 1x default/web:http\n"
            "80: *.example.com deep / -> answer 404\n"
            "80: a.example.com / -> answer 404\n");
}

TEST(GatewayRoutes, CrossNamespacesByAGrant) {
  const std::string route = withRules("  - backendRefs: [{name: far, namespace: other, port: 80}]");
  const std::string grant = R"(
---
kind: ReferenceGrant
metadata: {name: x, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: "", kind: Service, name: far}]
)";
  EXPECT_EQ(routesOf(route + grant), "80: any / -> 1x other/far:\n");
  auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = grant;
    text.replace(text.find(from), from.size(), to);
    return routesOf(route + text);
  };
  EXPECT_EQ(changed("kind: HTTPRoute", "kind: GRPCRoute"), "80: any / -> answer 500\n");
  EXPECT_EQ(changed("namespace: default}", "namespace: another}"), "80: any / -> answer 500\n");
  EXPECT_EQ(changed("name: far", "name: near"), "80: any / -> answer 500\n");
  EXPECT_EQ(changed("namespace: other}", "namespace: default}"), "80: any / -> answer 500\n");
  EXPECT_EQ(changed(", name: far", ""), "80: any / -> 1x other/far:\n");
  EXPECT_EQ(statusesOf("HTTPRoute", route), "r at g: Accepted=True(Accepted) ResolvedRefs=False(RefNotPermitted)\n");
}

TEST(GatewayRoutes, AreMirroredToOtherNamespacesByAGrant) {
  const std::string route = withRules(R"(
  - filters: [{type: RequestMirror, requestMirror: {backendRef: {name: far, namespace: other, port: 80}}}]
    backendRefs: [{name: web, port: 80}])");
  const std::string grant = R"(
---
kind: ReferenceGrant
metadata: {name: x, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: "", kind: Service}]
)";
  EXPECT_EQ(routesOf(route + grant), "80: any / -> 1x default/web:http, copy of 1/1 to other/far:\n");
  EXPECT_EQ(statusesOf("HTTPRoute", route), "r at g: Accepted=True(Accepted) ResolvedRefs=False(RefNotPermitted)\n");
  EXPECT_EQ(statusesOf("HTTPRoute", route + grant),
            "r at g: Accepted=True(Accepted) ResolvedRefs=True(ResolvedRefs)\n");
}

TEST(GatewayRoutes, OfGrpcAreByServiceAndMethod) {
  EXPECT_EQ(routesOf(R"(
kind: Gateway
metadata: {name: g}
spec: {gatewayClassName: wherry, listeners: [{name: http, port: 80, protocol: HTTP}]}
---
kind: GRPCRoute
metadata: {name: r}
spec:
  parentRefs: [{name: g}]
  rules:
    - matches:
        - {method: {service: a.B, method: Get}}
        - {method: {service: a.B}, headers: [{name: v, value: "2"}]}
        - {method: {method: Get}}
        - {method: {type: RegularExpression, service: "a|b"}}
      backendRefs: [{name: web, port: 80}]
    - matches: [{method: {service: a.C}}]
      backendRefs: [{name: web, port: 80}, {name: gone, port: 80}]
    - backendRefs: [{name: gone, port: 80}]
)"),
            "80: any =/a.B/Get -> 1x default/web:http, h2c\n"
            "80: any /a.B v=2 -> 1x default/web:http, h2c\n"
            "80: any ~(?-i:/[^/]+/Get)$ -> 1x default/web:http, h2c\n"
            "80: any ~(?-i:/(?:a|b)/[^/]+)$ -> 1x default/web:http, h2c\n"
            "80: any /a.C -> 1x default/web:http, 1x refused with 503, h2c\n"
            "80: any / -> answer 503, h2c\n");
}

TEST(GatewayRoutes, OfTlsGoThroughByServerName) {
  EXPECT_EQ(routesOf(R"(
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners: [{name: tls, port: 443, protocol: TLS, hostname: "*.example.com", tls: {mode: Passthrough}}]
---
kind: TLSRoute
metadata: {name: r}
spec:
  parentRefs: [{name: g}]
  hostnames: [a.example.com, a.example.net]
  rules: [{backendRefs: [{name: web, port: 443, weight: 2}, {name: gone, port: 443}]}]
)"),
            "443: through a.example.com -> 2x default/web:tls, 1x refused\n"
            "443: refused *.example.com deep\n");
}

constexpr std::string_view kNames = R"(
kind: Gateway
metadata: {name: g}
spec:
  gatewayClassName: wherry
  listeners:
    - {name: web, port: 443, protocol: HTTPS, hostname: "*.example.com", tls: {certificateRefs: [{name: c}]}}
    - {name: through, port: 443, protocol: TLS, hostname: a.example.com, tls: {mode: Passthrough}}
    - {name: ended, port: 443, protocol: TLS, hostname: "*.s.example.com", tls: {certificateRefs: [{name: c}]}}
---
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: g}], rules: [{backendRefs: [{name: web, port: 80}]}]}
---
kind: TLSRoute
metadata: {name: t}
spec:
  parentRefs: [{name: g}]
  hostnames: [a.example.com, b.example.com, x.s.example.com]
  rules: [{backendRefs: [{name: web, port: 443}]}]
)";

TEST(GatewayRoutes, OfTlsAreLedToWhereItEnds) {
  World world(std::string(kNames) + secret("c", {}));
  const std::string routes =
      "443: certificate default/c for *.example.com deep, *.s.example.com deep\n"
      "443: *.example.com deep / -> 1x default/web:http\n"
      "443: *.example.com deep / -> answer 404\n"
      "443: through a.example.com -> 1x default/web:tls\n"
      "443: ended x.s.example.com -> 1x default/web:tls\n"
      "443: routes for *.example.com deep\n";
  EXPECT_EQ(modelText(world.compile().model),
            routes + "443: refused a.example.com\n443: refused *.s.example.com deep\n");
  world.place.taken = {{443, true}};
  EXPECT_EQ(modelText(world.compile().model), routes);
}

TEST(GatewayRoutes, OfHttpsHaveTheListenersCertificates) {
  EXPECT_EQ(routesOf(withTls("{name: c}") + secret("c", {"what.ever"})),
            "443: certificate default/c for *.example.com deep\n"
            "443: *.example.com deep / -> 302 to https://a.example.com:0 0\n"
            "443: *.example.com deep / -> answer 404\n");
  EXPECT_EQ(routesOf(withTls("{name: c}, {name: d}") + secret("c", {"*.example.com"}) +
                     secret("d", {"a.example.com", "a.example.net"})),
            "443: certificate default/c for *.example.com deep\n"
            "443: certificate default/d for a.example.com\n"
            "443: *.example.com deep / -> 302 to https://a.example.com:0 0\n"
            "443: *.example.com deep / -> answer 404\n");
}

}  // namespace
}  // namespace wherry::ingress
