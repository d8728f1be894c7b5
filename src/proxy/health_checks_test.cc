#include "proxy/health_checks.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::proxy {
namespace {

std::optional<HealthCheck> check(const char* manifests) {
  std::vector<meta::ObjectPtr> objects;
  for (json::Value& document : json::parseYamlStream(manifests)) {
    objects.push_back(std::make_shared<const meta::Object>(std::move(document)));
  }
  return healthCheck(objects.front(), {objects.begin() + 1, objects.end()}, {.name = "boat", .addresses = {}});
}

TEST(HealthChecks, CountTheReadyEndpointsOfTheNodeEachOnce) {
  auto asked = check(R"(
spec: {type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 31000, ports: [{port: 80}, {port: 443}]}
---
addressType: IPv4
endpoints:
- {addresses: [10.244.0.1], nodeName: boat}
- {addresses: [10.244.0.2], nodeName: boat, conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.1.1], nodeName: quay}
---
addressType: IPv4
endpoints: [{addresses: [10.244.0.1], nodeName: boat}, {addresses: [10.244.0.3], nodeName: boat}]
)");
  EXPECT_EQ(asked, (HealthCheck{31000, 2}));
}

TEST(HealthChecks, AreOfLoadBalancersWithPolicyLocal) {
  EXPECT_FALSE(check("spec: {type: LoadBalancer, externalTrafficPolicy: Cluster, healthCheckNodePort: 31000}"));
  EXPECT_FALSE(check("spec: {type: NodePort, externalTrafficPolicy: Local, healthCheckNodePort: 31000}"));
  EXPECT_FALSE(check("spec: {type: LoadBalancer, externalTrafficPolicy: Local}"));
}

TEST(HealthChecks, AnswerAsKubeProxyDoes) {
  auto good = renderHealth("shop/web", 2);
  EXPECT_EQ(good.status, 200);
  EXPECT_EQ(good.headers.get("X-Load-Balancing-Endpoint-Weight"), "2");
  EXPECT_EQ(*good.body.at(0),
            "{\"service\": {\"namespace\": \"shop\", \"name\": \"web\"}, \"localEndpoints\": 2, "
            "\"serviceProxyHealthy\": true}\n");
  EXPECT_EQ(renderHealth("shop/web", 0).status, 503);
}

}  // namespace
}  // namespace wherry::proxy
