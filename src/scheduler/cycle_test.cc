#include "scheduler/cycle.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "json/yaml.h"
#include "scheduler/cluster_cache.h"
#include "scheduler/pending_pods.h"
#include "scheduler/pod_condition.h"
#include "scheduler/test_cluster.h"

namespace wherry::scheduler {
namespace {

using core_v1::Node;
using core_v1::Pod;

constexpr std::string_view kBoat = R"(
metadata: {name: boat, labels: {disk: ssd, cores: '4'}}
status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}}
)";

TEST(Placement, OneNode) {
  struct Case {
    std::string_view name, pod, node, expected;
  } const cases[] = {
      {"a pod that asks for nothing", "{}", kBoat, "boat"},
      {"a pod that fits exactly",
       "{containers: [{resources: {requests: {cpu: 1500m, memory: 4Gi}}}, {resources: {requests: {cpu: 500m}}}]}",
       kBoat, "boat"},
      {"too much of two resources", "{containers: [{resources: {requests: {cpu: 2001m, memory: 5Gi}}}]}", kBoat,
       "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."},
      {"a resource the node does not have", "{containers: [{resources: {requests: {example.com/gpu: '1'}}}]}", kBoat,
       "0/1 nodes are available: 1 Insufficient example.com/gpu."},
      {"an init container counts where it is the largest",
       "{containers: [{resources: {requests: {cpu: 100m}}}], initContainers: [{resources: {requests: {cpu: '3'}}}]}",
       kBoat, "0/1 nodes are available: 1 Insufficient cpu."},
      {"a sidecar counts beside the containers",
       "{containers: [{resources: {requests: {cpu: 1500m}}}], initContainers: [{restartPolicy: Always, resources: "
       "{requests: {cpu: 600m}}}]}",
       kBoat, "0/1 nodes are available: 1 Insufficient cpu."},
      {"overhead counts", "{overhead: {cpu: 600m}, containers: [{resources: {requests: {cpu: 1500m}}}]}", kBoat,
       "0/1 nodes are available: 1 Insufficient cpu."},
      {"a label that matches", "{nodeSelector: {disk: ssd}}", kBoat, "boat"},
      {"a label that does not", "{nodeSelector: {disk: tape}}", kBoat,
       "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."},
      {"affinity by expressions",
       "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
       "[{matchExpressions: "
       "[{key: cores, operator: Gt, values: ['3']}, {key: gpu, operator: DoesNotExist}]}]}}}}",
       kBoat, "boat"},
      {"affinity by the node's name",
       "{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: "
       "[{key: metadata.name, operator: In, values: [raft]}]}]}}}}",
       kBoat, "0/1 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity]."},
      {"a taint", "{}",
       "{metadata: {name: boat}, spec: {taints: [{key: gpu, value: 'yes', effect: NoSchedule}]}, status: {allocatable: "
       "{pods: '1'}}}",
       "0/1 nodes are available: 1 node(s) had untolerated taint(s)."},
      {"a taint that is tolerated", "{tolerations: [{key: gpu, operator: Exists}]}",
       "{metadata: {name: boat}, spec: {taints: [{key: gpu, value: 'yes', effect: NoSchedule}]}, status: {allocatable: "
       "{pods: '1'}}}",
       "boat"},
      {"a cordoned node", "{}",
       "{metadata: {name: boat}, spec: {unschedulable: true}, status: {allocatable: {pods: '1'}}}",
       "0/1 nodes are available: 1 node(s) were unschedulable."},
      {"a node without room for one more pod", "{}", "{metadata: {name: boat}, status: {allocatable: {pods: '0'}}}",
       "0/1 nodes are available: 1 Too many pods."},
  };
  for (const auto& [name, pod, node, expected] : cases) EXPECT_EQ(place(podOf(pod), clusterOf(node)), expected) << name;
}

TEST(Placement, WithoutNodes) { EXPECT_EQ(place(podOf("{}"), ClusterCache()), "no nodes available to schedule pods"); }

TEST(Placement, ANodeThatIsNamedIsLookedAtAlone) {
  const auto cluster = clusterOf(
      "{metadata: {name: a}, status: {allocatable: {pods: '10'}}}\n---\n{metadata: {name: b}, spec: {unschedulable: "
      "true}, status: {allocatable: {pods: '10'}}}");
  const auto named = [](std::string_view terms) {
    return podOf("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [" +
                 std::string(terms) + "]}}}}");
  };
  EXPECT_EQ(place(named("{matchFields: [{key: metadata.name, operator: In, values: [b]}]}"), cluster),
            "0/2 nodes are available: 1 node(s) didn't satisfy plugin(s) [NodeAffinity], 1 node(s) were "
            "unschedulable.");
  EXPECT_EQ(place(named("{matchFields: [{key: metadata.name, operator: In, values: [b]}]}, {matchFields: [{key: "
                        "metadata.name, operator: In, values: [a]}]}"),
                  cluster),
            "a");
  EXPECT_EQ(place(named("{matchFields: [{key: metadata.name, operator: NotIn, values: [b]}]}"), cluster), "a");
}

TEST(Placement, HostPortsAreTakenOnlyOnce) {
  constexpr std::string_view kTaken =
      "{metadata: {name: a, namespace: default, uid: a}, spec: {nodeName: boat, containers: [{ports: [{hostPort: 80, "
      "hostIP: 10.0.0.1}]}]}}";
  const auto nodes = clusterOf(kBoat, kTaken);
  EXPECT_EQ(place(podOf("{containers: [{ports: [{hostPort: 80}]}]}"), nodes),
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
  EXPECT_EQ(place(podOf("{containers: [{ports: [{hostPort: 80, hostIP: 10.0.0.2}]}]}"), nodes), "boat");
  EXPECT_EQ(place(podOf("{containers: [{ports: [{hostPort: 80, protocol: UDP}]}]}"), nodes), "boat");
}

TEST(Placement, PrefersTheEmptierNode) {
  constexpr std::string_view kTwo =
      "{metadata: {name: a}, status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}}}\n---\n"
      "{metadata: {name: b}, status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}}}";
  constexpr std::string_view kOnA =
      "{metadata: {name: x, namespace: default}, spec: {nodeName: a, containers: [{resources: {requests: {cpu: '1', "
      "memory: 2Gi}}}]}}";
  EXPECT_EQ(place(podOf("{containers: [{}]}"), clusterOf(kTwo, kOnA)), "b");
}

TEST(Placement, PrefersWhatThePodPrefers) {
  constexpr std::string_view kTwo =
      "{metadata: {name: a}, spec: {taints: [{key: slow, effect: PreferNoSchedule}]}, status: {allocatable: {cpu: '2', "
      "memory: 4Gi, pods: '10'}}}\n---\n"
      "{metadata: {name: b}, status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}}}\n---\n"
      "{metadata: {name: c, labels: {disk: ssd}}, status: {allocatable: {cpu: '2', memory: 4Gi, pods: '10'}}}";
  EXPECT_EQ(place(podOf("{}"), clusterOf(kTwo)), "b");
  EXPECT_EQ(place(podOf("{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: "
                        "[{weight: 1, preference: {matchExpressions: [{key: disk, operator: In, values: [ssd]}]}}]}}}"),
                  clusterOf(kTwo)),
            "c");
}

TEST(ClusterCache, AnAssumedPodHoldsItsRoomUntilItIsForgotten) {
  ClusterCache cache;
  cache.putNode(objectsOf<Node>(kBoat)[0]);
  const auto pod = podOf("{containers: [{resources: {requests: {cpu: 1500m}}}]}");
  cache.assume(std::make_shared<const PodInfo>(pod), "boat");
  EXPECT_EQ(cache.nodes().at("boat").requested().get("cpu"), 1500);
  EXPECT_TRUE(cache.hasPod(pod.key()));
  EXPECT_TRUE(cache.removePod(pod.key()));
  EXPECT_EQ(cache.nodes().at("boat").requested().get("cpu"), 0);
  EXPECT_FALSE(cache.removePod(pod.key()));
}

TEST(ClusterCache, PodsMayBeKnownBeforeTheirNode) {
  ClusterCache cache;
  cache.putPod(
      objectsOf<Pod>("{metadata: {name: x, namespace: default}, spec: {nodeName: boat, containers: [{resources: "
                     "{requests: {cpu: '2'}}}]}}")[0]);
  EXPECT_EQ(place(podOf("{}"), cache), "no nodes available to schedule pods");
  cache.putNode(objectsOf<Node>(kBoat)[0]);
  EXPECT_EQ(place(podOf("{containers: [{resources: {requests: {cpu: 1m}}}]}"), cache),
            "0/1 nodes are available: 1 Insufficient cpu.");
}

Pod pending(std::string_view name, int priority) {
  return objectsOf<Pod>(
      fmt::format("{{metadata: {{name: {}, namespace: default}}, spec: {{priority: {}}}}}", name, priority))[0];
}

using Time = PendingPods::Time;
constexpr Time kStart{};

std::string takeAll(PendingPods& pods, Time now = kStart) {
  std::string names;
  while (const auto pod = pods.take(now)) names += std::string(pod->metadata().name()) + " ";
  return names;
}

TEST(PendingPods, GoByPriorityThenByArrival) {
  PendingPods pods;
  pods.put(pending("first", 0));
  pods.put(pending("second", 0));
  pods.put(pending("important", 100));
  pods.put(pending("first", 0));
  EXPECT_EQ(takeAll(pods), "important first second ");
}

TEST(PendingPods, AParkedPodWaitsForWhatHelpsIt) {
  PendingPods pods;
  pods.put(pending("selector", 0));
  pods.put(pending("resources", 0));
  takeAll(pods);
  pods.park({"default", "selector"}, Relief::kNodeChange, kStart);
  pods.park({"default", "resources"}, Relief::kNodeOrPodRemoval, kStart);
  EXPECT_EQ(takeAll(pods), "");
  pods.retry(Relief::kNodeOrPodArrival, kStart);
  EXPECT_EQ(takeAll(pods), "");
  pods.retry(Relief::kNodeOrPodRemoval, kStart);
  EXPECT_EQ(takeAll(pods), "resources ");
  pods.park({"default", "resources"}, Relief::kNodeOrPodRemoval, kStart);
  pods.retry(Relief::kNodeChange, kStart);
  EXPECT_EQ(takeAll(pods), "selector resources ");
}

TEST(PendingPods, WhoWasRefusedLatelyLetsOthersGoFirst) {
  using std::chrono::milliseconds;
  PendingPods pods;
  pods.put(pending("refused", 100));
  takeAll(pods);
  pods.park({"default", "refused"}, Relief::kNodeChange, kStart);
  pods.put(pending("new", 0));
  pods.retry(Relief::kNodeChange, kStart);
  EXPECT_EQ(pods.backoffCount(), 1u);
  EXPECT_EQ(takeAll(pods, kStart + milliseconds(999)), "new refused ") << "... but does not wait for nobody";
  pods.park({"default", "refused"}, Relief::kNodeChange, kStart);
  pods.put(pending("new", 0));
  pods.retry(Relief::kNodeChange, kStart);
  EXPECT_EQ(takeAll(pods, kStart + milliseconds(1999)), "new refused ") << "twice as long the second time";
  pods.park({"default", "refused"}, Relief::kNodeChange, kStart);
  pods.put(pending("new", 0));
  pods.retry(Relief::kNodeChange, kStart);
  EXPECT_EQ(takeAll(pods, kStart + milliseconds(4000)), "refused new ") << "then its priority counts again";
  pods.remove({"default", "refused"});
  pods.remove({"default", "new"});
  EXPECT_EQ(pods.size() + pods.backoffCount() + pods.readyCount() + pods.parkedCount(), 0u);
}

TEST(UnschedulableCondition, IsWrittenOnce) {
  constexpr const char* kMessage = "0/1 nodes are available: 1 Too many pods.";
  const auto first = decideUnschedulable(podOf("{}"), kMessage, "", "2026-01-01T00:00:00Z");
  ASSERT_TRUE(first);
  EXPECT_EQ(
      json::serialize(*first),
      R"({"conditions":[{"type":"PodScheduled","status":"False","lastProbeTime":null,"lastTransitionTime":"2026-01-01T00:00:00Z",)"
      R"("reason":"Unschedulable","message":"0/1 nodes are available: 1 Too many pods."}]})");
  json::Value tree = json::parseYaml("{metadata: {name: web, namespace: default}}");
  tree.as_object()["status"] = *first;
  const Pod told(std::make_shared<const meta::Object>(tree));
  EXPECT_EQ(decideUnschedulable(told, kMessage, "", "later"), std::nullopt);
  EXPECT_EQ(json::getString(*decideUnschedulable(told, "another", "", "later"), "conditions.0.lastTransitionTime"),
            "2026-01-01T00:00:00Z");
  EXPECT_EQ(json::serialize(*decideUnschedulable(told, kMessage, "boat", "later")), R"({"nominatedNodeName":"boat"})");
  tree.as_object()["status"].as_object()["nominatedNodeName"] = "boat";
  const Pod promised(std::make_shared<const meta::Object>(tree));
  EXPECT_EQ(decideUnschedulable(promised, kMessage, "boat", "later"), std::nullopt);
  EXPECT_EQ(json::serialize(*decideUnschedulable(promised, kMessage, "", "later")), R"({"nominatedNodeName":null})");
}

TEST(Binding, NamesPodAndNode) {
  EXPECT_TRUE(json::equal(bindingOf(podOf("{}"), "boat"),
                          json::parseYaml("{apiVersion: v1, kind: Binding, metadata: {namespace: default, name: web, "
                                          "uid: u}, target: {kind: Node, name: boat}}")));
}

}  // namespace
}  // namespace wherry::scheduler
