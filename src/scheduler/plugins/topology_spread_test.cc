#include <gtest/gtest.h>

#include "scheduler/siblings.h"
#include "scheduler/test_cluster.h"

namespace wherry::scheduler {
namespace {

// Two zones with two nodes each; b2 is tainted, c1 has no zone.
constexpr std::string_view kNodes = R"(
metadata: {name: a1, labels: {kubernetes.io/hostname: a1, zone: a}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '100'}}
---
metadata: {name: a2, labels: {kubernetes.io/hostname: a2, zone: a}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '100'}}
---
metadata: {name: b1, labels: {kubernetes.io/hostname: b1, zone: b}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '100'}}
---
metadata: {name: b2, labels: {kubernetes.io/hostname: b2, zone: b}}
spec: {taints: [{key: k, effect: NoSchedule}]}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '100'}}
---
metadata: {name: c1, labels: {kubernetes.io/hostname: c1}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '100'}}
)";

// "a1 a1 b1": pods app=web on these nodes.
std::string webPodsOn(std::string_view nodes, std::string_view more = "") {
  std::string yaml;
  int index = 0;
  while (!nodes.empty()) {
    const auto node = nodes.substr(0, nodes.find(' '));
    nodes.remove_prefix(std::min(nodes.size(), node.size() + 1));
    if (index > 0) yaml += "---\n";
    yaml += "{metadata: {name: web-" + std::to_string(index++) + ", namespace: default, labels: {app: web}" +
            std::string(more) + "}, spec: {nodeName: " + std::string(node) + "}}\n";
  }
  return yaml;
}

std::string spread(std::string_view constraint, std::string_view more = "") {
  return "{topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: "
         "{matchLabels: {app: web}}, " +
         std::string(constraint) + "}]" + std::string(more) + "}";
}

constexpr const char* kUneven =
    "0/5 nodes are available: 1 node(s) didn't match pod topology spread constraints (missing required label), 1 "
    "node(s) had untolerated taint(s), 3 node(s) didn't match pod topology spread constraints.";

TEST(TopologySpread, DoNotSchedule) {
  const struct {
    const char* name;
    std::string pod;
    std::string there;
    const char* expected;
  } cases[] = {
      {"the emptier domain", spread("maxSkew: 1"), webPodsOn("a1"), "b1"},
      {"a skew that is allowed", spread("maxSkew: 2"), webPodsOn("a2"), "a1"},
      {"... is in reach of the other zone only", spread("maxSkew: 2"), webPodsOn("a1 a1"), "b1"},
      {"pods that are being deleted don't count", spread("maxSkew: 1"),
       webPodsOn("a2 a2", ", deletionTimestamp: '2026-01-01T00:00:00Z'"), "a1"},
      {"a node that the pod can't go to counts", spread("maxSkew: 1"), webPodsOn("b2 a2 b2"), "a1"},
      {"... unless its taints are heeded", spread("maxSkew: 1, nodeTaintsPolicy: Honor"), webPodsOn("b2 b2 a1"), "b1"},
      {"nodes that the selector leaves out don't count", spread("maxSkew: 1", ", nodeSelector: {zone: a}"),
       webPodsOn("a1 a1"), "a1"},
      {"... unless they shall", spread("maxSkew: 1, nodeAffinityPolicy: Ignore", ", nodeSelector: {zone: a}"),
       webPodsOn("a1"),
       "0/5 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node "
       "affinity/selector, 2 node(s) didn't match pod topology spread constraints."},
      {"domains that are missing are empty", spread("maxSkew: 1, minDomains: 3"), webPodsOn("a1 b1"), kUneven},
      {"... when they are enough they aren't", spread("maxSkew: 1, minDomains: 2"), webPodsOn("a1 b1"), "a1"},
      {"a pod that its own selector leaves out does not make it worse",
       "{topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, labelSelector: "
       "{matchLabels: {app: web, more: '1'}}}]}",
       webPodsOn("a1"), "a1"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(place(podOf(c.pod, "{app: web}"), clusterOf(kNodes, c.there)), c.expected) << c.name;
  }
}

TEST(TopologySpread, PodsOfOtherNamespacesDontCount) {
  EXPECT_EQ(
      place(podOf(spread("maxSkew: 1"), "{app: web}"),
            clusterOf(kNodes, "{metadata: {name: x, namespace: other, labels: {app: web}}, spec: {nodeName: a2}}")),
      "a1");
}

TEST(TopologySpread, ScheduleAnywayPrefersTheEmptierDomain) {
  const std::string pod =
      "{topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: ScheduleAnyway, labelSelector: "
      "{matchLabels: {app: web}}}]}";
  EXPECT_EQ(place(podOf(pod, "{app: web}"), clusterOf(kNodes, webPodsOn("a1 a2"))), "b1");
  EXPECT_EQ(place(podOf(pod, "{app: web}"), clusterOf(kNodes, webPodsOn("b1 b1"))), "a1");
}

TEST(TopologySpread, APodWithoutConstraintsIsSpreadAmongItsSiblings) {
  const auto siblings = [](const core_v1::Pod& pod) {
    return siblingsOf(
        pod, {.services =
                  [](auto) {
                    return std::vector{
                        objectsOf<core_v1::Service>("{metadata: {name: s}, spec: {selector: {app: web}}}")[0].object()};
                  },
              .controller = [](auto, auto, auto) { return nullptr; }});
  };
  EXPECT_EQ(place(podOf("{}", "{app: web}"), clusterOf(kNodes, webPodsOn("a1 a1 b1 c1")), siblings), "a2");
  EXPECT_EQ(place(podOf("{}", "{app: other}"), clusterOf(kNodes, webPodsOn("a1 a1 b1 c1")), siblings), "a1")
      << "it has none: all nodes are the same";
}

TEST(Siblings, AreWhatServicesAndTheControllerSelect) {
  const auto selected = [](std::string_view owner, std::string_view service) {
    const auto pod = objectsOf<core_v1::Pod>(
        "{metadata: {name: p, namespace: default, labels: {app: web}, ownerReferences: " + std::string(owner) +
        "}}")[0];
    return siblingsOf(pod,
                      {.services = [&](auto) { return std::vector{objectsOf<core_v1::Service>(service)[0].object()}; },
                       .controller =
                           [](auto kind, auto, auto name) {
                             return kind == "ReplicaSet" && name == "rs"
                                        ? objectsOf<core_v1::Pod>(
                                              "{spec: {selector: {matchLabels: {app: web}, "
                                              "matchExpressions: [{key: hash, operator: Exists}]}}}")[0]
                                              .object()
                                        : nullptr;
                           }})
        .text();
  };
  EXPECT_EQ(selected("[]", "{spec: {selector: {app: web}}}"), "app=web");
  EXPECT_EQ(selected("[{kind: ReplicaSet, name: rs, controller: true}]", "{spec: {selector: {app: other}}}"),
            "app=web,hash");
  EXPECT_EQ(selected("[{kind: Job, name: rs, controller: true}]", "{spec: {}}"), meta::LabelSelector::nothing().text());
}

}  // namespace
}  // namespace wherry::scheduler
