#include <gtest/gtest.h>

#include "scheduler/test_cluster.h"

namespace wherry::scheduler {
namespace {

constexpr std::string_view kNodes = R"(
metadata: {name: a1, labels: {kubernetes.io/hostname: a1, zone: a}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '10'}}
---
metadata: {name: a2, labels: {kubernetes.io/hostname: a2, zone: a}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '10'}}
---
metadata: {name: b1, labels: {kubernetes.io/hostname: b1, zone: b}}
status: {allocatable: {cpu: '8', memory: 8Gi, pods: '10'}}
)";

constexpr std::string_view kNamespaces = R"(
metadata: {name: default, labels: {team: red}}
---
metadata: {name: other, labels: {team: blue}}
)";

// One term of spec.affinity.<kind>.requiredDuringSchedulingIgnoredDuringExecution.
std::string required(std::string_view kind, std::string_view term) {
  return "{affinity: {" + std::string(kind) + ": {requiredDuringSchedulingIgnoredDuringExecution: [" +
         std::string(term) + "]}}}";
}
std::string preferred(std::string_view kind, int weight, std::string_view term) {
  return "{affinity: {" + std::string(kind) +
         ": {preferredDuringSchedulingIgnoredDuringExecution: [{weight: " + std::to_string(weight) +
         ", podAffinityTerm: " + std::string(term) + "}]}}}";
}

constexpr std::string_view kWithDb = "{topologyKey: zone, labelSelector: {matchLabels: {app: db}}}";

TEST(InterPodAffinity, RequiredTerms) {
  constexpr std::string_view kDbOnB =
      "{metadata: {name: db, namespace: default, labels: {app: db}}, spec: {nodeName: b1}}";
  constexpr std::string_view kOtherDbOnB =
      "{metadata: {name: db, namespace: other, labels: {app: db}}, spec: {nodeName: b1}}";
  const struct {
    const char* name;
    std::string pod;
    std::string_view labels, there;
    const char* expected;
  } cases[] = {
      {"it goes where the others are", required("podAffinity", kWithDb), "{}", kDbOnB, "b1"},
      {"nowhere when they are not", required("podAffinity", kWithDb), "{}", "",
       "0/3 nodes are available: 3 node(s) didn't match pod affinity rules."},
      {"the first of its kind goes anywhere", required("podAffinity", kWithDb), "{app: db}", "", "a1"},
      {"... where the domain exists",
       required("podAffinity", "{topologyKey: rack, labelSelector: {matchLabels: {app: db}}}"), "{app: db}", "",
       "0/3 nodes are available: 3 node(s) didn't match pod affinity rules."},
      {"of another namespace they are others", required("podAffinity", kWithDb), "{}", kOtherDbOnB,
       "0/3 nodes are available: 3 node(s) didn't match pod affinity rules."},
      {"... unless it is named",
       required("podAffinity", "{topologyKey: zone, namespaces: [other], labelSelector: {matchLabels: {app: db}}}"),
       "{}", kOtherDbOnB, "b1"},
      {"... or chosen by its labels",
       required("podAffinity",
                "{topologyKey: zone, namespaceSelector: {matchLabels: {team: blue}}, labelSelector: {matchLabels: "
                "{app: db}}}"),
       "{}", kOtherDbOnB, "b1"},
      {"... or all are",
       required("podAffinity", "{topologyKey: zone, namespaceSelector: {}, labelSelector: {matchLabels: {app: db}}}"),
       "{}", kOtherDbOnB, "b1"},
      {"a missing selector matches nothing", required("podAffinity", "{topologyKey: zone}"), "{}", kDbOnB,
       "0/3 nodes are available: 3 node(s) didn't match pod affinity rules."},
      {"it keeps away from the others", required("podAntiAffinity", kWithDb), "{}",
       "{metadata: {name: db, namespace: default, labels: {app: db}}, spec: {nodeName: a1}}", "b1"},
      {"one of the host away is far enough",
       required("podAntiAffinity", "{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: db}}}"),
       "{}", "{metadata: {name: db, namespace: default, labels: {app: db}}, spec: {nodeName: a1}}", "a2"},
      {"a pod that is being deleted counts until it is gone", required("podAntiAffinity", kWithDb), "{}",
       "{metadata: {name: db, namespace: default, labels: {app: db}, deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: "
       "{nodeName: a1}}",
       "b1"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(place(podOf(c.pod, c.labels), clusterOf(kNodes, c.there, kNamespaces)), c.expected) << c.name;
  }
}

TEST(InterPodAffinity, WhoIsThereAlreadyMayNotWantIt) {
  const std::string there =
      "{metadata: {name: lonely, namespace: default, labels: {app: db}}, spec: {nodeName: a1, affinity: "
      "{podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: "
      "{matchLabels: {app: web}}}]}}}}";
  const auto cluster = clusterOf(kNodes, there, kNamespaces);
  EXPECT_EQ(place(podOf("{}", "{app: web}"), cluster), "b1");
  EXPECT_EQ(place(podOf("{nodeSelector: {zone: a}}", "{app: web}"), cluster),
            "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 node(s) didn't satisfy "
            "existing pods anti-affinity rules.");
  EXPECT_EQ(place(podOf("{nodeSelector: {zone: a}}", "{app: other}"), cluster), "a1");
}

TEST(InterPodAffinity, EveryTermHasToMatchTheSamePod) {
  const std::string both =
      "{affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: "
      "{matchLabels: {app: db}}}, {topologyKey: zone, labelSelector: {matchLabels: {tier: back}}}]}}}";
  EXPECT_EQ(place(podOf(both), clusterOf(kNodes,
                                         "{metadata: {name: db, namespace: default, labels: {app: db}}, spec: "
                                         "{nodeName: b1}}\n---\n{metadata: {name: x, namespace: default, labels: "
                                         "{tier: back}}, spec: {nodeName: b1}}")),
            "0/3 nodes are available: 3 node(s) didn't match pod affinity rules.");
  EXPECT_EQ(
      place(podOf(both), clusterOf(kNodes,
                                   "{metadata: {name: db, namespace: default, labels: {app: db, tier: back}}, spec: "
                                   "{nodeName: b1}}")),
      "b1");
}

TEST(InterPodAffinity, PreferredTermsOfBothSides) {
  constexpr std::string_view kDbOnB =
      "{metadata: {name: db, namespace: default, labels: {app: db}}, spec: {nodeName: b1}}";
  EXPECT_EQ(place(podOf(preferred("podAffinity", 10, kWithDb)), clusterOf(kNodes, kDbOnB)), "b1");
  EXPECT_EQ(place(podOf("{}"), clusterOf(kNodes, kDbOnB)), "a1");
  EXPECT_EQ(place(podOf(preferred("podAntiAffinity", 10, kWithDb)),
                  clusterOf(kNodes,
                            "{metadata: {name: db, namespace: default, labels: {app: db}}, spec: {nodeName: "
                            "a1}}")),
            "b1");
  const std::string likesWeb =
      "{metadata: {name: db, namespace: default}, spec: {nodeName: b1, affinity: {podAffinity: "
      "{preferredDuringSchedulingIgnoredDuringExecution: [{weight: 10, podAffinityTerm: {topologyKey: zone, "
      "labelSelector: {matchLabels: {app: web}}}}]}}}}";
  EXPECT_EQ(place(podOf("{}", "{app: web}"), clusterOf(kNodes, likesWeb)), "b1");
  const std::string needsWeb =
      "{metadata: {name: db, namespace: default}, spec: {nodeName: b1, affinity: {podAffinity: "
      "{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchLabels: {app: "
      "web}}}]}}}}";
  EXPECT_EQ(place(podOf("{}", "{app: web}"), clusterOf(kNodes, needsWeb)), "b1")
      << "what a pod there requires is what it prefers of others";
}

TEST(PodGroups, AreForgottenWithTheirLastPod) {
  PodGroups groups;
  NodeInfo node;
  const auto pod = std::make_shared<const PodInfo>(
      podOf(required("podAntiAffinity", "{topologyKey: zone, labelSelector: {}}"), "{a: b}"));
  groups.add(pod, node);
  groups.add(pod, node);
  groups.remove(*pod, node);
  EXPECT_EQ(groups.withRequiredAnti().size(), 1u);
  groups.remove(*pod, node);
  EXPECT_TRUE(groups.withRequiredAnti().empty());
  EXPECT_TRUE(groups.withTerms().empty());
  groups.forEach([](const PodGroups::Group&) { FAIL(); });
}

}  // namespace
}  // namespace wherry::scheduler
