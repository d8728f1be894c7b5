#include "ingress/slice_endpoints.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::ingress {
namespace {

std::string endpoints(std::string_view slices, std::optional<base::IpFamily> family = std::nullopt) {
  std::vector<meta::ObjectPtr> objects;
  for (json::Value& each : json::parseYamlStream(slices)) {
    objects.push_back(std::make_shared<const meta::Object>(std::move(each)));
  }
  std::string text;
  for (const Endpoint& endpoint : endpointsOf({"default", "web", "http"}, objects, family)) {
    text += endpoint.address + ":" + std::to_string(endpoint.port) + (endpoint.hostname.empty() ? "" : "/") +
            endpoint.hostname + " ";
  }
  return text;
}

TEST(SliceEndpoints, ReadyOnesOfTheNamedPort) {
  EXPECT_EQ(endpoints(R"(
addressType: IPv4
ports: [{name: grpc, port: 9}, {name: http, port: 8080, protocol: TCP}]
endpoints:
- {addresses: [10.0.0.2], hostname: web-1, conditions: {ready: true}}
- {addresses: [10.0.0.1], targetRef: {kind: Pod, name: web-abc}}
- {addresses: [10.0.0.3], conditions: {ready: false}}
- {addresses: [10.0.0.4], conditions: {ready: false, serving: true, terminating: true}}
)"),
            "10.0.0.1:8080/web-abc 10.0.0.2:8080/web-1 ");
}

TEST(SliceEndpoints, ThoseThatLeaveServeWhileNoneIsReady) {
  EXPECT_EQ(endpoints(R"(
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints:
- {addresses: [10.0.0.3], conditions: {ready: false, serving: false, terminating: true}}
- {addresses: [10.0.0.4], conditions: {ready: false, serving: true, terminating: true}}
)"),
            "10.0.0.4:80 ");
}

TEST(SliceEndpoints, OfOneFamilyAlone) {
  constexpr const char* kBoth = R"(
addressType: IPv6
ports: [{name: http, port: 80}]
endpoints: [{addresses: ['fd00::1']}]
---
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.0.0.1]}]
)";
  EXPECT_EQ(endpoints(kBoth, base::IpFamily::kIPv4), "10.0.0.1:80 ");
  EXPECT_EQ(endpoints(kBoth, base::IpFamily::kIPv6), "fd00::1:80 ");
}

TEST(SliceEndpoints, APodOfTwoFamiliesComesOnce) {
  EXPECT_EQ(endpoints(R"(
addressType: IPv6
ports: [{name: http, port: 80}]
endpoints: [{addresses: ['fd00::1']}]
---
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.0.0.1]}]
)"),
            "10.0.0.1:80 ");
  EXPECT_EQ(endpoints(R"(
addressType: IPv6
ports: [{name: http, port: 80}]
endpoints: [{addresses: ['fd00::1']}]
)"),
            "fd00::1:80 ");
}

}  // namespace
}  // namespace wherry::ingress
