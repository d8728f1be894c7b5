#include "proxy/service_endpoints.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::proxy {
namespace {

struct Case {
  const char* what;
  const char* manifests;  // a Service, then EndpointSlices
  const char* expected;   // "10.96.0.1:80/tcp -> 10.244.0.1:8080 10.244.0.2:8080", lines
};

std::string text(const ServiceEndpoints& ports) {
  std::string out;
  for (const auto& [port, endpoints] : ports) {
    const char* protocol = port.protocol == IPPROTO_TCP ? "tcp" : port.protocol == IPPROTO_UDP ? "udp" : "sctp";
    out += fmt::format("{}:{}/{} ->", port.ip.text(), port.port, protocol);
    for (const Endpoint& endpoint : endpoints) out += fmt::format(" {}:{}", endpoint.ip.text(), endpoint.port);
    out += "\n";
  }
  return out;
}

std::string evaluate(const char* manifests) {
  std::vector<meta::ObjectPtr> objects;
  for (json::Value& document : json::parseYamlStream(manifests)) {
    objects.push_back(std::make_shared<const meta::Object>(std::move(document)));
  }
  meta::ObjectPtr service = objects.front();
  objects.erase(objects.begin());
  Node node{.name = "boat", .addresses = {*linux::Ipv4Address::parse("10.96.0.10")}};
  return text(serviceEndpoints(service, objects, node));
}

const Case kCases[] = {
    {"ready endpoints of all slices, sorted, each once", R"(
spec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1], ports: [{port: 80, targetPort: 8080}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 8080}]
endpoints:
- {addresses: [10.244.0.2], conditions: {ready: true}}
- {addresses: [10.244.0.3], conditions: {ready: false, serving: false}}
- {addresses: [10.244.0.9], conditions: {}}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 8080}]
endpoints: [{addresses: [10.244.0.1]}, {addresses: [10.244.0.2]}]
)",
     "10.96.0.1:80/tcp -> 10.244.0.1:8080 10.244.0.2:8080 10.244.0.9:8080\n"},
    {"a terminating endpoint that serves is used only while none is ready (KEP-1669)", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.0.1], conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.0.2], conditions: {ready: false, serving: false, terminating: true}}
)",
     "10.96.0.1:80/tcp -> 10.244.0.1:80\n"},
    {"a terminating endpoint is left out when another is ready", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.0.1], conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.0.2], conditions: {ready: true, serving: true, terminating: false}}
)",
     "10.96.0.1:80/tcp -> 10.244.0.2:80\n"},
    {"an endpoint that serves but is neither ready nor terminating is not used", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: [10.244.0.1], conditions: {ready: false, serving: true}}]
)",
     "10.96.0.1:80/tcp ->\n"},
    {"ports are found by name and protocol", R"(
spec:
  clusterIP: 10.96.0.10
  clusterIPs: [10.96.0.11]
  ports:
  - {name: dns, port: 53, protocol: UDP}
  - {name: dns-tcp, port: 53, protocol: TCP}
  - {name: metrics, port: 9153}
---
addressType: IPv4
ports: [{name: dns-tcp, protocol: TCP, port: 5353}, {name: dns, protocol: UDP, port: 5354}]
endpoints: [{addresses: [10.244.0.1]}]
)",
     "10.96.0.11:53/tcp -> 10.244.0.1:5353\n10.96.0.11:9153/tcp ->\n10.96.0.11:53/udp -> 10.244.0.1:5354\n"},
    {"a named target port may be another number in each slice", R"(
spec: {clusterIP: 10.96.0.1, ports: [{name: web, port: 80, targetPort: http}]}
---
addressType: IPv4
ports: [{name: web, protocol: TCP, port: 8080}]
endpoints: [{addresses: [10.244.0.1]}]
---
addressType: IPv4
ports: [{name: web, protocol: TCP, port: 9090}]
endpoints: [{addresses: [10.244.0.2]}]
)",
     "10.96.0.1:80/tcp -> 10.244.0.1:8080 10.244.0.2:9090\n"},
    {"a Service without any slice is refused, not forgotten", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
)",
     "10.96.0.1:80/tcp ->\n"},
    {"a headless Service is nobody's", "spec: {clusterIP: None, clusterIPs: [None], ports: [{port: 80}]}", ""},
    {"an ExternalName Service is nobody's", "spec: {type: ExternalName, externalName: example.com}", ""},
    {"a Service of another proxy is left to it", R"(
metadata: {labels: {service.kubernetes.io/service-proxy-name: mesh}}
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
)",
     ""},
    {"a cluster IP that is an address of the node is left alone", "spec: {clusterIP: 10.96.0.10, ports: [{port: 53}]}",
     ""},
    {"IPv6 slices are left out", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv6
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: ["fd00::1"]}]
)",
     "10.96.0.1:80/tcp ->\n"},
    {"internalTrafficPolicy Local keeps to the node's own endpoints", R"(
spec: {clusterIP: 10.96.0.1, internalTrafficPolicy: Local, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: [10.244.0.1], nodeName: boat}, {addresses: [10.244.1.1], nodeName: quay}]
)",
     "10.96.0.1:80/tcp -> 10.244.0.1:80\n"},
};

TEST(ServiceEndpoints, FollowTheServiceAndItsSlices) {
  for (const Case& c : kCases) EXPECT_EQ(evaluate(c.manifests), c.expected) << c.what;
}

TEST(ServiceEndpoints, ASliceNamesItsServiceByLabel) {
  meta::Object slice(
      json::parseYaml("metadata: {name: web-x7k2p, namespace: shop, labels: {kubernetes.io/service-name: web}}"));
  EXPECT_EQ(serviceKeyOf(slice), "shop/web");
  EXPECT_EQ(serviceKeyOf(meta::Object(json::parseYaml("metadata: {name: x, namespace: shop}"))), "");
}

}  // namespace
}  // namespace wherry::proxy
