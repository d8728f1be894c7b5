#include "ingress/client_ip.h"

#include <gtest/gtest.h>

#include "ingress/gateway_test_world.h"
#include "ingress/ingress_test_world.h"

namespace wherry::ingress {
namespace {

constexpr const char* kServices = R"(
kind: Service
metadata: {name: both, namespace: shop, annotations: {wherry.dev/preserve-client-ip: "true"}}
spec: {ipFamilies: [IPv6, IPv4], ports: [{port: 80}]}
---
kind: Service
metadata: {name: six, namespace: shop, annotations: {wherry.dev/preserve-client-ip: "true"}}
spec: {ipFamilies: [IPv6], ports: [{port: 80}]}
---
kind: Service
metadata: {name: not, namespace: shop, annotations: {wherry.dev/preserve-client-ip: "yes"}}
spec: {ipFamilies: [IPv4], ports: [{port: 80}]}
)";

std::string ingressTo(const std::string& service, const std::string& annotations = "{}") {
  return fmt::format(R"(
kind: Ingress
metadata: {{name: i, namespace: shop, annotations: {}}}
spec:
  ingressClassName: wherry
  rules: [{{host: a, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {}, port: {{number: 80}}}}}}}}]}}}}]
)",
                     annotations, service);
}

TEST(ClientIp, IsPreservedWhereTheIngressOrElseTheServiceAsksForIt) {
  struct Case {
    const char* what;
    const char* service;
    const char* annotations;
    const char* routes;
  };
  for (const Case& c : {
           Case{"a Service of both families", "both", "{}", "a/ -> shop/both:; client IPv4; client IPv6\n"},
           {"a Service of one", "six", "{}", "a/ -> shop/six:; client IPv6\n"},
           {"one that doesn't say so", "not", "{}", "a/ -> shop/not:\n"},
           {"its Ingress says so", "not", "{wherry.dev/preserve-client-ip: 'true'}", "a/ -> shop/not:; client IPv4\n"},
           {"its Ingress says no", "both", "{wherry.dev/preserve-client-ip: 'false'}", "a/ -> shop/both:\n"},
       }) {
    IngressWorld world;
    world.has(kServices);
    world.has(ingressTo(c.service, c.annotations));
    EXPECT_EQ(world.routes(), c.routes) << c.what;
  }
}

std::string gatewayRoutes(const std::string& backends) {
  World world(std::string(R"(
kind: Gateway
metadata: {name: g, namespace: shop}
spec: {gatewayClassName: wherry, listeners: [{name: http, port: 80, protocol: HTTP}]}
---)") + kServices +
              fmt::format(R"(
---
kind: HTTPRoute
metadata: {{name: r, namespace: shop}}
spec: {{parentRefs: [{{name: g}}], rules: [{{backendRefs: [{}]}}]}}
)",
                          backends));
  auto model = world.compile().model;
  return model.ports.contains(80) ? textOf(model.ports.at(80).routes) : "";
}

TEST(ClientIp, IsPreservedForGatewaysWhereAllServicesOfARuleAskForIt) {
  EXPECT_EQ(gatewayRoutes("{name: both, port: 80}"), "*/ -> shop/both:; client IPv4; client IPv6\n");
  EXPECT_EQ(gatewayRoutes("{name: both, port: 80}, {name: six, port: 80}"),
            "*/ -> shop/both: + shop/six:; client IPv6\n");
  EXPECT_EQ(gatewayRoutes("{name: both, port: 80}, {name: not, port: 80}"), "*/ -> shop/both: + shop/not:\n");
}

TEST(ClientIp, CanBeTakenFromAllThatAskForIt) {
  IngressWorld world;
  world.has(kServices);
  world.has(ingressTo("both"));
  Model model = world.compile().model;
  ASSERT_TRUE(preservesClientIp(model));
  auto complaints = stopPreservingClientIp(model, "no such program");
  EXPECT_FALSE(preservesClientIp(model));
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(textOf(complaints[0]),
            "shop/i ClientIpNotPreserved: clients come under the node's address: no such program");
  EXPECT_EQ(textOf(model.ports.at(80).routes), "a/ -> shop/both:\n");
}

}  // namespace
}  // namespace wherry::ingress
