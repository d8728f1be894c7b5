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
  const char* expected;   // "10.96.0.1:80/tcp -> 10.244.0.1:8080 10.244.0.2:8080*", lines; * is not on this node
};

std::string text(const ServiceEndpoints& ports) {
  std::string out;
  for (const auto& [port, backends] : ports) {
    const char* protocol = port.protocol == IPPROTO_TCP ? "tcp" : port.protocol == IPPROTO_UDP ? "udp" : "sctp";
    out += fmt::format("{}:{}/{}", port.isNodePort() ? "node" : port.ip.text(), port.port, protocol);
    if (port.clients == Clients::kOutside) out += " from outside";
    for (const base::IpPrefix& source : backends.sources) out += " from " + source.text();
    if (backends.affinity.count() > 0) out += fmt::format(" same for {} s", backends.affinity.count());
    out += " ->";
    for (const Endpoint& endpoint : backends.endpoints) {
      out += fmt::format(" {}:{}", endpoint.ip.text(), endpoint.port);
      if (endpoint.place == Place::kElsewhere) out += "*";
    }
    if (backends.nobody == Backends::Nobody::kAnswers) out += " or drop";
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
  Node node{.name = "boat",
            .addresses = {*base::IpAddress::parse("10.96.0.10"), *base::IpAddress::parse("192.0.2.1")},
            .zone = "dock"};
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
     "10.96.0.1:80/tcp -> 10.244.0.1:8080* 10.244.0.2:8080* 10.244.0.9:8080*\n"},
    {"a terminating endpoint that serves is used only while none is ready (KEP-1669)", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.0.1], conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.0.2], conditions: {ready: false, serving: false, terminating: true}}
)",
     "10.96.0.1:80/tcp -> 10.244.0.1:80*\n"},
    {"endpoints hinted for the node's zone are preferred (KEP-2433)", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: dock}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: sea}]}}
- {addresses: [10.244.1.3], conditions: {ready: true}, hints: {forZones: [{name: sea}, {name: dock}]}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80* 10.244.1.3:80*\n"},
    {"... not while one is without hint", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: dock}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80* 10.244.1.2:80*\n"},
    {"... but who is not ready needs none", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: dock}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: sea}]}}
- {addresses: [10.244.1.3], conditions: {ready: false}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80*\n"},
    {"... nor while none is for this zone", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: sea}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: sea}]}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80* 10.244.1.2:80*\n"},
    {"endpoints hinted for the node itself go before those of its zone (KEP-3015)", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: dock}], forNodes: [{name: boat}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: dock}], forNodes: [{name: ship}]}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80*\n"},
    {"where none is for the node those of its zone serve", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: dock}], forNodes: [{name: ship}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: sea}], forNodes: [{name: raft}]}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80*\n"},
    {"where neither is there all serve", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: true}, hints: {forZones: [{name: sea}], forNodes: [{name: ship}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: sea}], forNodes: [{name: raft}]}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.1:80* 10.244.1.2:80*\n"},
    {"a hinted endpoint that ends serves only when no other is ready", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.1.1], conditions: {ready: false, serving: true, terminating: true}, hints: {forZones: [{name: dock}]}}
- {addresses: [10.244.1.2], conditions: {ready: true}, hints: {forZones: [{name: sea}]}}
)",
     "10.96.0.1:80/tcp -> 10.244.1.2:80*\n"},
    {"a terminating endpoint is left out when another is ready", R"(
spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.0.1], conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.0.2], conditions: {ready: true, serving: true, terminating: false}}
)",
     "10.96.0.1:80/tcp -> 10.244.0.2:80*\n"},
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
     "10.96.0.11:53/tcp -> 10.244.0.1:5353*\n10.96.0.11:9153/tcp ->\n10.96.0.11:53/udp -> 10.244.0.1:5354*\n"},
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
     "10.96.0.1:80/tcp -> 10.244.0.1:8080* 10.244.0.2:9090*\n"},
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
     "10.96.0.1:80/tcp -> 10.244.0.1:80 or drop\n"},
    {"internalTrafficPolicy Local drops what another node would answer", R"(
spec: {clusterIP: 10.96.0.1, internalTrafficPolicy: Local, ports: [{port: 80}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: [10.244.1.1], nodeName: quay}]
)",
     "10.96.0.1:80/tcp -> or drop\n"},
    {"internalTrafficPolicy Local without any endpoint refuses", R"(
spec: {clusterIP: 10.96.0.1, internalTrafficPolicy: Local, ports: [{port: 80}]}
)",
     "10.96.0.1:80/tcp ->\n"},
    {"a node port, external IPs and addresses of the load balancer lead where the cluster IP does", R"(
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.1
  externalIPs: [198.51.100.1, "fd00::1"]
  ports: [{port: 80, nodePort: 30080}]
status: {loadBalancer: {ingress: [{ip: 198.51.100.2}, {ip: 198.51.100.3, ipMode: VIP}, {ip: 198.51.100.4, ipMode: Proxy}, {hostname: example.com}]}}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: [10.244.0.1], nodeName: boat}, {addresses: [192.0.2.1]}]
)",
     "node:30080/tcp -> 10.244.0.1:80 192.0.2.1:80\n"
     "10.96.0.1:80/tcp -> 10.244.0.1:80 192.0.2.1:80\n"
     "198.51.100.1:80/tcp -> 10.244.0.1:80 192.0.2.1:80\n"
     "198.51.100.2:80/tcp -> 10.244.0.1:80 192.0.2.1:80\n"
     "198.51.100.3:80/tcp -> 10.244.0.1:80 192.0.2.1:80\n"},
    {"externalTrafficPolicy Local leads clients from outside to the node's own endpoints, others to all", R"(
spec:
  type: NodePort
  clusterIP: 10.96.0.1
  externalTrafficPolicy: Local
  ports: [{port: 80, nodePort: 30080}]
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: [10.244.0.1], nodeName: boat}, {addresses: [10.244.1.1], nodeName: quay}]
)",
     "node:30080/tcp -> 10.244.0.1:80 10.244.1.1:80*\n"
     "node:30080/tcp from outside -> 10.244.0.1:80 or drop\n"
     "10.96.0.1:80/tcp -> 10.244.0.1:80 10.244.1.1:80*\n"},
    {"externalTrafficPolicy Local with all endpoints here needs no second list", R"(
spec: {type: NodePort, clusterIP: 10.96.0.1, externalTrafficPolicy: Local, ports: [{port: 80, nodePort: 30080}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints: [{addresses: [10.244.0.1], nodeName: boat}]
)",
     "node:30080/tcp -> 10.244.0.1:80\n10.96.0.1:80/tcp -> 10.244.0.1:80\n"},
    {"with externalTrafficPolicy Local the node's terminating endpoint is used while it has no ready one (KEP-1669)",
     R"(
spec: {type: NodePort, clusterIP: 10.96.0.1, externalTrafficPolicy: Local, ports: [{port: 80, nodePort: 30080}]}
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 80}]
endpoints:
- {addresses: [10.244.0.1], nodeName: boat, conditions: {ready: false, serving: true, terminating: true}}
- {addresses: [10.244.1.1], nodeName: quay}
)",
     "node:30080/tcp -> 10.244.1.1:80*\n"
     "node:30080/tcp from outside -> 10.244.0.1:80 or drop\n"
     "10.96.0.1:80/tcp -> 10.244.1.1:80*\n"},
    {"source ranges are for the addresses of the load balancer", R"(
spec:
  type: LoadBalancer
  clusterIP: 10.96.0.1
  loadBalancerSourceRanges: [192.0.2.0/24, " 198.51.100.0/24", 192.0.2.128/25, "fd00::/8"]
  ports: [{port: 80, nodePort: 30080}]
status: {loadBalancer: {ingress: [{ip: 198.51.100.2}]}}
)",
     "node:30080/tcp ->\n10.96.0.1:80/tcp ->\n198.51.100.2:80/tcp from 192.0.2.0/24 from 198.51.100.0/24 ->\n"},
    {"a port that the load balancer could not have is not taken", R"(
spec: {type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{name: a, port: 80}, {name: b, port: 443}]}
status: {loadBalancer: {ingress: [{ip: 198.51.100.2, ports: [{port: 80, protocol: TCP, error: wherry.dev/PortInUse}, {port: 443, protocol: TCP}]}]}}
)",
     "10.96.0.1:80/tcp ->\n10.96.0.1:443/tcp ->\n198.51.100.2:443/tcp ->\n"},
    {"a source range of everybody is none", R"(
spec: {type: LoadBalancer, clusterIP: 10.96.0.1, loadBalancerSourceRanges: [192.0.2.0/24, 0.0.0.0/0], ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 198.51.100.2}]}}
)",
     "10.96.0.1:80/tcp ->\n198.51.100.2:80/tcp ->\n"},
    {"session affinity has a timeout, three hours by default", R"(
spec: {clusterIP: 10.96.0.1, sessionAffinity: ClientIP, ports: [{port: 80}]}
)",
     "10.96.0.1:80/tcp same for 10800 s ->\n"},
    {"session affinity with a timeout of its own", R"(
spec: {clusterIP: 10.96.0.1, sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}, ports: [{port: 80}]}
)",
     "10.96.0.1:80/tcp same for 10 s ->\n"},
};

TEST(ServiceEndpoints, FollowTheServiceAndItsSlices) {
  for (const Case& c : kCases) EXPECT_EQ(evaluate(c.manifests), c.expected) << c.what;
}

TEST(ServiceEndpoints, ASliceNamesItsServiceByLabel) {
  meta::Object slice(
      json::parseYaml("metadata: {name: web-x7k2p, namespace: shop, labels: {kubernetes.io/service-name: web}}"));
  EXPECT_EQ(proxiedServiceOf(slice), "shop/web");
  meta::Object others(
      json::parseYaml("metadata: {name: web-x7k2p, namespace: shop, labels: {kubernetes.io/service-name: web, "
                      "service.kubernetes.io/service-proxy-name: other}}"));
  EXPECT_EQ(proxiedServiceOf(others), "");
}

TEST(ServiceEndpoints, EachFamilyHasItsOwn) {
  const char* manifests = R"(
spec:
  type: NodePort
  clusterIP: 10.96.0.1
  clusterIPs: [10.96.0.1, 'fd00:10:96::1']
  externalIPs: [203.0.113.1, '2001:db8:ffff::1']
  ports: [{port: 80, nodePort: 30080}]
---
addressType: IPv4
ports: [{name: "", protocol: TCP, port: 8080}]
endpoints: [{addresses: [10.244.0.1], nodeName: boat}]
---
addressType: IPv6
ports: [{name: "", protocol: TCP, port: 8080}]
endpoints: [{addresses: ['fd00:10:244::1'], nodeName: boat}]
)";
  std::vector<meta::ObjectPtr> objects;
  for (json::Value& document : json::parseYamlStream(manifests)) {
    objects.push_back(std::make_shared<const meta::Object>(std::move(document)));
  }
  std::vector<meta::ObjectPtr> slices(objects.begin() + 1, objects.end());
  EXPECT_EQ(text(serviceEndpoints(objects[0], slices, {.name = "boat", .addresses = {}})),
            "node:30080/tcp -> 10.244.0.1:8080\n"
            "10.96.0.1:80/tcp -> 10.244.0.1:8080\n"
            "203.0.113.1:80/tcp -> 10.244.0.1:8080\n");
  EXPECT_EQ(
      text(serviceEndpoints(objects[0], slices, {.name = "boat", .addresses = {}, .family = base::IpFamily::kIPv6})),
      "node:30080/tcp -> fd00:10:244::1:8080\n"
      "2001:db8:ffff::1:80/tcp -> fd00:10:244::1:8080\n"
      "fd00:10:96::1:80/tcp -> fd00:10:244::1:8080\n");
}

}  // namespace
}  // namespace wherry::proxy
