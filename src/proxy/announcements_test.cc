#include "proxy/announcements.h"

#include <map>

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::proxy {
namespace {

std::vector<meta::ObjectPtr> objects(const char* manifests) {
  std::vector<meta::ObjectPtr> list;
  for (json::Value& document : json::parseYamlStream(manifests)) {
    list.push_back(std::make_shared<const meta::Object>(std::move(document)));
  }
  return list;
}

constexpr const char* kOne = "{metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}";
constexpr const char* kTwo = R"(
{metadata: {name: one}, status: {conditions: [{type: Ready, status: 'True'}]}}
---
{metadata: {name: two}, status: {conditions: [{type: Ready, status: 'True'}]}}
)";

struct Case {
  const char* what;
  const char* services;
  const char* nodes;
  const char* onOne;  // what node "one" announces
  const char* onTwo;
};

// Of 192.0.2.50 and 192.0.2.51 the hash gives the first to node "two", the second to "one".
const Case kCases[] = {
    {"an address of the pool", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50, ipMode: VIP}]}}
)",
     kOne, "192.0.2.50 ", ""},
    {"without any Node object this one is alone", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50}]}}
)",
     "", "192.0.2.50 ", "192.0.2.50 "},
    {"the node's own address, another balancer's and one beyond the pool are not announced", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.2, ipMode: VIP}, {ip: 203.0.113.1}, {ip: '2001:db8::1'}, {hostname: x}]}}
)",
     kOne, "", ""},
    {"addresses of both families", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50, ipMode: VIP}, {ip: '2001:db8::50', ipMode: VIP}]}}
)",
     kOne, "192.0.2.50 2001:db8::50 ", ""},
    {"a balancer that is a proxy answers by itself", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50, ipMode: Proxy}]}}
)",
     kOne, "", ""},
    {"a Service that is of that type no more", R"(
metadata: {namespace: d, name: web}
spec: {type: ClusterIP}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50, ipMode: VIP}]}}
)",
     kOne, "", ""},
    {"two nodes share the addresses", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50}]}}
---
metadata: {namespace: d, name: other}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.51}]}}
)",
     kTwo, "192.0.2.51 ", "192.0.2.50 "},
    {"a node that is not ready leaves them to the others", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50}]}}
---
metadata: {namespace: d, name: other}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.51}]}}
)",
     R"(
{metadata: {name: one}, status: {conditions: [{type: Ready, status: Unknown}]}}
---
{metadata: {name: two}, status: {conditions: [{type: Ready, status: 'True'}]}}
)",
     "", "192.0.2.50 192.0.2.51 "},
    {"while no node is ready they stay", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50}]}}
)",
     "{metadata: {name: one}}", "192.0.2.50 ", ""},
    {"an excluded node has none", R"(
metadata: {namespace: d, name: web}
spec: {type: LoadBalancer}
status: {loadBalancer: {ingress: [{ip: 192.0.2.50}]}}
)",
     "{metadata: {name: one, labels: {node.kubernetes.io/exclude-from-external-load-balancers: ''}}}", "", ""},
    {"externalTrafficPolicy Local: a node that has endpoints", R"(
metadata: {namespace: d, name: ontwo}
spec: {type: LoadBalancer, externalTrafficPolicy: Local}
status: {loadBalancer: {ingress: [{ip: 192.0.2.49}]}}
---
metadata: {namespace: d, name: nowhere}
spec: {type: LoadBalancer, externalTrafficPolicy: Local}
status: {loadBalancer: {ingress: [{ip: 192.0.2.51}]}}
)",
     kTwo, "192.0.2.51 ", "192.0.2.49 "},
};

std::string announcedOn(const char* node, const Case& c) {
  AnnouncedFrom from{.nodeName = node,
                     .pool = {*base::IpPrefix::parse("192.0.2.48/28"), *base::IpPrefix::parse("2001:db8::40/122")},
                     .nodes = objects(c.nodes),
                     .nodesWithEndpoints = [](const std::string& service) {
                       return service == "d/ontwo" ? std::set<std::string>{"two"} : std::set<std::string>{};
                     }};
  std::string text;
  for (base::IpAddress address : decideAnnounced(objects(c.services), from)) text += address.text() + " ";
  return text;
}

TEST(Announcements, AreOfThePoolsAddressesThatServicesHave) {
  for (const Case& c : kCases) {
    EXPECT_EQ(announcedOn("one", c), c.onOne) << c.what;
    EXPECT_EQ(announcedOn("two", c), c.onTwo) << c.what;
  }
}

TEST(Announcements, SpreadOverTheNodes) {
  std::map<std::string, int> counts;
  for (uint32_t i = 0; i < 256; ++i)
    ++counts[electAnnouncer(base::IpAddress::ipv4(0xc0000200U + i), {"node-1", "node-2", "node-3"})];
  EXPECT_EQ(counts.size(), 3U);
  for (const auto& [node, count] : counts) EXPECT_GT(count, 60) << node;
}

TEST(Announcements, MoveOnlyFromANodeThatGoes) {
  const std::set<std::string> all = {"one", "two", "three"};
  for (uint32_t i = 0; i < 100; ++i) {
    base::IpAddress address = base::IpAddress::ipv4(0xc0000200U + i);
    std::string before = electAnnouncer(address, all);
    std::string after = electAnnouncer(address, {"one", "two"});
    EXPECT_TRUE(before == after || before == "three") << address.text();
  }
  EXPECT_EQ(electAnnouncer(base::IpAddress::ipv4(1), {}), "");
}

}  // namespace
}  // namespace wherry::proxy
