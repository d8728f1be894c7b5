#include "controllers/load_balancer.h"

#include <gtest/gtest.h>

#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Node;
using core_v1::Service;

constexpr std::string_view kNodes = R"(
metadata: {name: one}
status:
  addresses: [{type: InternalIP, address: 10.0.0.1}, {type: InternalIP, address: 'fd00::1'}, {type: Hostname, address: one}]
---
metadata: {name: hidden, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}
status: {addresses: [{type: InternalIP, address: 10.0.0.9}]}
)";

// name => "ip/mode ip/mode", each ip followed by !port for a port that somebody else has
std::map<std::string, std::string> balance(std::string_view services, std::string_view pool = "",
                                           const PortHolder& holder = {}) {
  std::map<std::string, std::string> result;
  for (const auto& outcome :
       decideLoadBalancers(objectsOf<Service>(services), objectsOf<Node>(kNodes), AddressRanges::parse(pool), holder)) {
    auto& text = result[std::string(outcome.service.metadata().name())];
    const auto* ingress = outcome.loadBalancer.if_contains("ingress");
    for (const auto& entry : ingress ? ingress->get_array() : json::Array()) {
      EXPECT_EQ(json::getString(entry, "ipMode"), "VIP");
      text.append(text.empty() ? "" : " ").append(json::getString(entry, "ip"));
      const auto* ports = json::find(entry, "ports");
      for (const auto& port : ports ? ports->get_array() : json::Array()) {
        if (json::getString(port, "error") == "wherry.dev/PortInUse") {
          text += "!" + std::to_string(json::getInt(port, "port"));
        }
      }
    }
    if (!outcome.warning.empty()) text += " (" + outcome.warning + ")";
  }
  return result;
}

using Expected = std::map<std::string, std::string>;

TEST(LoadBalancer, WithoutAPoolTheNodesAddressesServe) {
  EXPECT_EQ(balance(R"(
metadata: {name: web, namespace: default}
spec: {type: LoadBalancer, ipFamilies: [IPv4], ports: [{port: 80}]}
---
metadata: {name: both, namespace: default}
spec: {type: LoadBalancer, ipFamilies: [IPv6, IPv4], ports: [{port: 81}]}
---
metadata: {name: plain, namespace: default}
spec: {type: ClusterIP, ports: [{port: 80}]}
---
metadata: {name: theirs, namespace: default}
spec: {type: LoadBalancer, loadBalancerClass: example.com/cloud, ports: [{port: 82}]}
---
metadata: {name: ours, namespace: default}
spec: {type: LoadBalancer, loadBalancerClass: wherry.dev/load-balancer, ports: [{port: 83}]}
)"),
            (Expected{{"web", "10.0.0.1"}, {"both", "fd00::1 10.0.0.1"}, {"ours", "10.0.0.1"}}));
}

TEST(LoadBalancer, APortOfTheNodesBelongsToTheOldestService) {
  const auto services = R"(
metadata: {name: late, namespace: default, creationTimestamp: '2026-01-02T00:00:00Z'}
spec: {type: LoadBalancer, ports: [{port: 80}, {port: 443}]}
---
metadata: {name: early, namespace: default, creationTimestamp: '2026-01-01T00:00:00Z'}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
metadata: {name: udp, namespace: default, creationTimestamp: '2026-01-03T00:00:00Z'}
spec: {type: LoadBalancer, ports: [{port: 80, protocol: UDP}, {port: 30001}]}
---
metadata: {name: noded, namespace: default, creationTimestamp: '2026-01-04T00:00:00Z'}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30001}]}
)";
  EXPECT_EQ(balance(services), (Expected{{"early", "10.0.0.1"},
                                         {"late", "10.0.0.1!80 (port 80/TCP is used by Service default/early)"},
                                         {"udp", "10.0.0.1!30001 (port 30001/TCP is used by Service default/noded)"}}));
}

TEST(LoadBalancer, WhoHasAPortKeepsIt) {
  EXPECT_EQ(balance(R"(
metadata: {name: a, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}, {port: 81}]}
---
metadata: {name: b, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}, {port: 81}]}
status: {loadBalancer: {ingress: [{ip: 10.0.0.1, ports: [{port: 80, protocol: TCP}, {port: 81, protocol: TCP, error: wherry.dev/PortInUse}]}]}}
)"),
            (Expected{{"a", "10.0.0.1!80 (port 80/TCP is used by Service default/b)"},
                      {"b", "10.0.0.1!81 (port 81/TCP is used by Service default/a)"}}));
}

TEST(LoadBalancer, AProgramOfTheNodeKeepsItsPort) {
  const auto holder = [](std::string_view protocol, int64_t port) {
    return protocol == "TCP" && port == 22 ? std::string("is in use by sshd (process 7)") : std::string();
  };
  EXPECT_EQ(balance(R"(
metadata: {name: web, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 22}, {port: 80}, {port: 22, protocol: UDP}]}
)",
                    "", holder),
            (Expected{{"web", "10.0.0.1!22 (port 22/TCP is in use by sshd (process 7))"}}));
}

TEST(LoadBalancer, APoolGivesEachServiceAnAddressThatItKeeps) {
  const auto services = R"(
metadata: {name: new, namespace: default, creationTimestamp: '2026-01-01T00:00:00Z'}
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
metadata: {name: old, namespace: default, creationTimestamp: '2026-01-02T00:00:00Z'}
spec: {type: LoadBalancer, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
---
metadata: {name: both, namespace: default, creationTimestamp: '2026-01-03T00:00:00Z'}
spec: {type: LoadBalancer, ipFamilies: [IPv4, IPv6], ports: [{port: 80}]}
)";
  EXPECT_EQ(balance(services, "192.0.2.1-192.0.2.2,2001:db8::1"),
            (Expected{{"new", "192.0.2.2"},
                      {"old", "192.0.2.1"},
                      {"both", "10.0.0.1 2001:db8::1 (the pool of addresses is used up: the nodes' own are used)"}}));
}

TEST(LoadBalancer, ANodesOwnAddressIsGivenToNoService) {
  EXPECT_EQ(balance(R"(
metadata: {name: a, namespace: default}
spec: {type: LoadBalancer, ports: [{port: 80}]}
)",
                    "10.0.0.1-10.0.0.2"),
            (Expected{{"a", "10.0.0.2"}}));
}

TEST(LoadBalancer, AnAddressThatIsAskedForIsGivenOrNone) {
  EXPECT_EQ(balance(R"(
metadata: {name: a, namespace: default, creationTimestamp: '2026-01-01T00:00:00Z'}
spec: {type: LoadBalancer, loadBalancerIP: 192.0.2.9, ports: [{port: 80}]}
---
metadata: {name: b, namespace: default, creationTimestamp: '2026-01-02T00:00:00Z'}
spec: {type: LoadBalancer, loadBalancerIP: 192.0.2.9, ports: [{port: 80}]}
---
metadata: {name: c, namespace: default, creationTimestamp: '2026-01-03T00:00:00Z'}
spec: {type: LoadBalancer, loadBalancerIP: 198.51.100.1, ports: [{port: 80}]}
---
metadata: {name: d, namespace: default, creationTimestamp: '2026-01-04T00:00:00Z'}
spec: {type: LoadBalancer, loadBalancerIP: 10.0.0.1, ports: [{port: 80}]}
)",
                    "192.0.2.0/28"),
            (Expected{{"a", "192.0.2.9"},
                      {"b", " (loadBalancerIP 192.0.2.9 is used by Service default/a)"},
                      {"c", " (loadBalancerIP 198.51.100.1 is neither of the pool nor a node's own)"},
                      {"d", "10.0.0.1"}}));
}

TEST(LoadBalancer, AServiceThatIsNoneAnyMoreLosesItsStatus) {
  EXPECT_EQ(balance(R"(
metadata: {name: was, namespace: default}
spec: {type: ClusterIP, ports: [{port: 80}]}
status: {loadBalancer: {ingress: [{ip: 10.0.0.1}]}}
)"),
            (Expected{{"was", ""}}));
}

}  // namespace
}  // namespace wherry::controllers
