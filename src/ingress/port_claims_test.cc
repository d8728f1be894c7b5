#include "ingress/port_claims.h"

#include <gtest/gtest.h>

#include "ingress/routing_test_support.h"
#include "json/yaml.h"

namespace wherry::ingress {
namespace {

std::string claimsOf(const char* spec, const char* loadBalancer) {
  auto service = std::make_shared<const meta::Object>(json::parseYaml(
      fmt::format("{{kind: Service, metadata: {{namespace: default, name: web}}, spec: {}, status: {{loadBalancer: "
                  "{{ingress: {}}}}}}}",
                  spec, loadBalancer)));
  Model model;
  for (uint16_t number : {uint16_t{80}, uint16_t{443}}) {
    Route route{{"Ingress", "default", "i"}, {}, {}, {}, {}};
    model.ports[number] = {number, false, {route, route}, {}, {}};
  }
  std::string text;
  for (const Complaint& each :
       complaintsOf(portClaims({core_v1::Service(service)}, {"192.0.2.2", "2001:db8::2"}), model)) {
    text += textOf(each).substr(0, textOf(each).find(", whose")) + "\n";
  }
  return text;
}

TEST(PortClaims, AreThoseOfLoadBalancersAtTheNodesOwnAddresses) {
  struct Case {
    const char* what;
    const char* spec;
    const char* loadBalancer;
    const char* complaints;
  };
  constexpr const char* kBalanced = "{type: LoadBalancer, ports: [{port: 80}, {port: 443}, {port: 8080}]}";
  for (const Case& c : {
           Case{"at the node's address", "{type: LoadBalancer, ports: [{port: 80, protocol: TCP}]}",
                "[{ip: 192.0.2.2}]",
                "default/i PortUnavailable: port 80 of the node: what is sent to 192.0.2.2 goes to Service "
                "default/web\n"},
           {"at one of the other family, two ports", kBalanced, "[{ip: 2001:db8::2}]",
            "default/i PortUnavailable: port 80 of the node: what is sent to 2001:db8::2 goes to Service default/web\n"
            "default/i PortUnavailable: port 443 of the node: what is sent to 2001:db8::2 goes to Service "
            "default/web\n"},
           {"a port that it has not got", kBalanced,
            "[{ip: 192.0.2.2, ports: [{port: 80, protocol: TCP, error: wherry.dev/PortInUse}, {port: 443, protocol: "
            "TCP}]}]",
            "default/i PortUnavailable: port 443 of the node: what is sent to 192.0.2.2 goes to Service default/web\n"},
           {"an address of its own", kBalanced, "[{ip: 198.18.0.1}]", ""},
           {"none yet", kBalanced, "[]", ""},
           {"another protocol", "{type: LoadBalancer, ports: [{port: 80, protocol: UDP}]}", "[{ip: 192.0.2.2}]", ""},
           {"another type, with what it had before", "{type: ClusterIP, ports: [{port: 80}]}", "[{ip: 192.0.2.2}]", ""},
       }) {
    EXPECT_EQ(claimsOf(c.spec, c.loadBalancer), c.complaints) << c.what;
  }
}

}  // namespace
}  // namespace wherry::ingress
