// Namespaces, nodes, Services and the scheduler in a cluster.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/cluster.h"
#include "json/yaml.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::integration {
namespace {

using core_v1::ConfigMap;
using core_v1::Endpoints;
using core_v1::Namespace;
using core_v1::Node;
using core_v1::Pod;
using core_v1::Service;
using core_v1::ServiceAccount;
using discovery_v1::EndpointSlice;

std::string podYaml(std::string_view name, std::string_view cpu = "100m") {
  return fmt::format(
      "{{apiVersion: v1, kind: Pod, metadata: {{name: {}, labels: {{app: web}}}}, spec: {{containers: [{{name: a, "
      "image: b, ports: [{{containerPort: 80}}], resources: {{requests: {{cpu: {}}}}}}}]}}}}",
      name, cpu);
}

TEST(NamespaceInCluster, HasServiceAccountAndRootCa) {
  Cluster cluster;
  cluster.create("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.find(ServiceAccount::kResource(), "shop", "default") &&
           cluster.find(ConfigMap::kResource(), "shop", "kube-root-ca.crt");
  }));
  cluster.client().remove(ConfigMap::kResource(), "shop", "kube-root-ca.crt");
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.find(ConfigMap::kResource(), "shop", "kube-root-ca.crt") != nullptr;
  })) << "made again when it is deleted";
}

TEST(NamespaceInCluster, GoesWithAllThatIsInIt) {
  Cluster cluster;
  cluster.addNode();
  cluster.create("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
  ASSERT_TRUE(
      cluster.eventually([&] { return cluster.find(ServiceAccount::kResource(), "shop", "default") != nullptr; }));
  cluster.create(R"(
{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
---
{apiVersion: v1, kind: Secret, metadata: {name: held, namespace: shop, finalizers: [example.com/hold]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, spec: {containers: [{name: a, image: b}]}}
)");
  cluster.client().remove(Namespace::kResource(), "", "shop");
  EXPECT_TRUE(cluster.eventually([&] {
    const Namespace shop(cluster.find(Namespace::kResource(), "", "shop"));
    for (const auto condition : shop.status().conditions()) {
      if (condition.type() == "NamespaceFinalizersRemaining" && condition.status() == "True") return true;
    }
    return false;
  }));
  cluster.client().patch(core_v1::Secret::kResource(), "shop", "held", client::PatchType::kMerge,
                         json::parseYaml("{metadata: {finalizers: null}}"));
  EXPECT_TRUE(cluster.eventually([&] { return !cluster.find(Namespace::kResource(), "", "shop"); }));
  EXPECT_TRUE(cluster.list(ConfigMap::kResource(), "shop").empty());
}

TEST(NodeInCluster, GetsAddressesForItsPodsAndLosesTheTaintWhenReady) {
  Cluster cluster;
  cluster.addNode("boat");
  cluster.addNode("raft");
  EXPECT_TRUE(cluster.eventually([&] {
    const Node boat(cluster.find(Node::kResource(), "", "boat")), raft(cluster.find(Node::kResource(), "", "raft"));
    return boat.spec().podCIDR() == "10.244.0.0/24" && raft.spec().podCIDR() == "10.244.1.0/24" &&
           boat.spec().taints().empty();
  }));
}

size_t readyEndpoints(Cluster& cluster) {
  size_t ready = 0;
  for (const auto& object : cluster.list(EndpointSlice::kResource(), "default", "kubernetes.io/service-name=web")) {
    for (const auto endpoint : EndpointSlice(object).endpoints()) ready += endpoint.conditions().ready() ? 1 : 0;
  }
  return ready;
}

TEST(ServiceInCluster, FollowsItsPods) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(
      "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}");
  ASSERT_TRUE(cluster.eventually([&] {
    return cluster.list(EndpointSlice::kResource(), "default", "kubernetes.io/service-name=web").size() == 1;
  }));
  cluster.create(podYaml("a") + "\n---\n" + podYaml("b"));
  ASSERT_TRUE(cluster.eventually([&] { return readyEndpoints(cluster) == 2; }));
  EXPECT_TRUE(cluster.eventually([&] {
    const Endpoints endpoints(cluster.find(Endpoints::kResource(), "default", "web"));
    return endpoints && !endpoints.subsets().empty() && endpoints.subsets()[0].addresses().size() == 2;
  }));
  cluster.client().remove(Pod::kResource(), "default", "a");
  ASSERT_TRUE(cluster.eventually([&] { return readyEndpoints(cluster) == 1; }));
  cluster.client().remove(Service::kResource(), "default", "web");
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.list(EndpointSlice::kResource(), "default", "kubernetes.io/service-name=web").empty() &&
           !cluster.find(Endpoints::kResource(), "default", "web");
  }));
}

std::string nodeOf(Cluster& cluster, std::string_view pod) {
  return std::string(Pod(cluster.find(Pod::kResource(), "default", pod)).spec().nodeName());
}

std::string scheduledMessage(Cluster& cluster, std::string_view name) {
  const Pod pod(cluster.find(Pod::kResource(), "default", name));
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled") return std::string(condition.message());
  }
  return "";
}

constexpr std::string_view kNoRoom =
    "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found "
    "for "
    "incoming pod.";

TEST(SchedulerInCluster, APodWaitsForRoomAndSaysWhy) {
  Cluster cluster(Kubelet::kAbsent);
  cluster.create(podYaml("first", "3"));
  ASSERT_TRUE(
      cluster.eventually([&] { return scheduledMessage(cluster, "first") == "no nodes available to schedule pods"; }));
  cluster.addNode();
  ASSERT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "first") == "boat"; }));
  cluster.create(podYaml("second", "3"));
  ASSERT_TRUE(cluster.eventually([&] { return scheduledMessage(cluster, "second") == kNoRoom; }));
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.eventsAbout("default", "second") ==
           std::vector<std::string>{"FailedScheduling " + std::string(kNoRoom)};
  }));
  cluster.client().remove(Pod::kResource(), "default", "first", {.gracePeriodSeconds = 0});
  ASSERT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "second") == "boat"; }));
  EXPECT_TRUE(cluster.eventually([&] {
    const auto events = cluster.eventsAbout("default", "second");
    return std::find(events.begin(), events.end(), "Scheduled Successfully assigned default/second to boat") !=
           events.end();
  }));
}

std::string importantYaml(std::string_view name, int priority, std::string_view cpu) {
  return fmt::format(
      "{{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {{name: of-{0}}}, value: {1}}}\n---\n"
      "{{apiVersion: v1, kind: Pod, metadata: {{name: {0}}}, spec: {{priorityClassName: of-{0}, containers: [{{name: "
      "a, "
      "image: b, resources: {{requests: {{cpu: {2}}}}}}}]}}}}",
      name, priority, cpu);
}

TEST(SchedulerInCluster, AnImportantPodGetsTheRoomOfOthersOnceTheyHaveGone) {
  Cluster cluster(Kubelet::kAbsent);  // nobody ends the victim: it stays until it is removed by hand
  cluster.addNode();
  cluster.create(importantYaml("low", 1, "3"));
  ASSERT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "low") == "boat"; }));
  cluster.create(importantYaml("high", 100, "3"));
  ASSERT_TRUE(cluster.eventually([&] {
    const Pod victim(cluster.find(Pod::kResource(), "default", "low"));
    const Pod high(cluster.find(Pod::kResource(), "default", "high"));
    return victim.metadata().deleting() && high.status().nominatedNodeName() == "boat";
  }));
  EXPECT_EQ(scheduledMessage(cluster, "high"), "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_TRUE(cluster.eventually([&] {
    const auto events = cluster.eventsAbout("default", "low");
    return std::any_of(events.begin(), events.end(),
                       [](const std::string& event) { return event.starts_with("Preempted Preempted by pod "); });
  }));
  cluster.create(importantYaml("later", 50, "2"));
  ASSERT_TRUE(cluster.eventually([&] { return !scheduledMessage(cluster, "later").empty(); }));
  EXPECT_EQ(nodeOf(cluster, "later"), "") << "the room is promised";
  cluster.client().remove(Pod::kResource(), "default", "low", {.gracePeriodSeconds = 0});
  ASSERT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "high") == "boat"; }));
  EXPECT_EQ(Pod(cluster.find(Pod::kResource(), "default", "high")).status().nominatedNodeName(), "");
  EXPECT_EQ(nodeOf(cluster, "later"), "");
}

TEST(SchedulerInCluster, AGatedPodIsLeftAloneUntilItsGatesAreOpened) {
  Cluster cluster(Kubelet::kAbsent);
  cluster.addNode();
  cluster.create(
      "{apiVersion: v1, kind: Pod, metadata: {name: gated}, spec: {schedulingGates: [{name: example.com/g}], "
      "containers: "
      "[{name: a, image: b}]}}");
  cluster.create(podYaml("other"));
  ASSERT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "other") == "boat"; }));
  EXPECT_EQ(nodeOf(cluster, "gated"), "");
  EXPECT_EQ(scheduledMessage(cluster, "gated"), "Scheduling is blocked due to non-empty scheduling gates");
  cluster.client().patch(Pod::kResource(), "default", "gated", client::PatchType::kMerge,
                         json::parseYaml("{spec: {schedulingGates: null}}"));
  EXPECT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "gated") == "boat"; }));
}

TEST(SchedulerInCluster, NeverPutsMoreOnANodeThanItHas) {
  Cluster cluster(Kubelet::kAbsent);
  cluster.addNode();
  for (int i = 0; i < 10; ++i) cluster.create(podYaml(fmt::format("p{}", i), "1500m"));
  ASSERT_TRUE(cluster.eventually([&] {
    int bound = 0, refused = 0;
    for (const auto& object : cluster.list(Pod::kResource(), "default")) {
      bound += Pod(object).spec().nodeName().empty() ? 0 : 1;
      refused += scheduledMessage(cluster, object->metadata().name()).empty() ? 0 : 1;
    }
    EXPECT_LE(bound, 2);
    return bound == 2 && refused == 8;
  }));
}

TEST(SchedulerInCluster, LeavesPodsOfOtherSchedulersAndGatedPodsAlone) {
  Cluster cluster(Kubelet::kAbsent);
  cluster.addNode();
  cluster.create(R"(
{apiVersion: v1, kind: Pod, metadata: {name: other}, spec: {schedulerName: mine, containers: [{name: a, image: b}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: gated}, spec: {schedulingGates: [{name: example.com/wait}], containers: [{name: a, image: b}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: plain}, spec: {containers: [{name: a, image: b}]}}
)");
  ASSERT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "plain") == "boat"; }));
  EXPECT_EQ(nodeOf(cluster, "other") + nodeOf(cluster, "gated"), "");
  cluster.client().patch(Pod::kResource(), "default", "gated", client::PatchType::kMerge,
                         json::parseYaml("{spec: {schedulingGates: null}}"));
  EXPECT_TRUE(cluster.eventually([&] { return nodeOf(cluster, "gated") == "boat"; }));
}

}  // namespace
}  // namespace wherry::integration
