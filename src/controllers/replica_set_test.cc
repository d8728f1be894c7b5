#include "controllers/replica_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/pod_writer.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using apps_v1::ReplicaSet;
using core_v1::Pod;

std::string names(const std::vector<Pod>& pods) {
  std::vector<std::string> parts;
  for (const auto& pod : pods) parts.emplace_back(pod.metadata().name());
  return base::join(parts, " ");
}

ReplicaSet replicaSetOf(int replicas) {
  return ReplicaSet(objectOf(fmt::format(R"(
apiVersion: apps/v1
kind: ReplicaSet
metadata: {{name: web, namespace: shop, uid: r1, generation: 3}}
spec: {{replicas: {}, template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: a, image: b}}]}}}}}}
)",
                                         replicas)));
}

const PodsOnNode kOneEach = [](std::string_view) { return 1; };

TEST(DecideReplicas, CreatesWhatIsMissing) {
  EXPECT_EQ(decideReplicas(replicaSetOf(3), {}, kOneEach, kNow).create, 3);
  EXPECT_EQ(decideReplicas(replicaSetOf(10'000), {}, kOneEach, kNow).create, kReplicaSetBurst);
}

// Running, ready since the start of the year, on node n1 unless it says otherwise.
std::string podYaml(std::string_view name, std::string_view metadata, std::string_view spec, std::string_view status) {
  return fmt::format(
      "{{metadata: {{name: {}, uid: {}, creationTimestamp: '2026-01-01T00:00:00Z'{}}}, spec: {{{}}}, status: "
      "{{{}}}}}\n",
      name, name, metadata, spec, status);
}

constexpr std::string_view kReady =
    "phase: Running, conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z'}]";

TEST(DecideReplicas, GivesUpThePodsThatCostLeast) {
  const std::string stream =
      podYaml("good", "", "nodeName: n1", kReady) + "---\n" + podYaml("crowded", "", "nodeName: full", kReady) +
      "---\n" +
      podYaml(
          "young", "", "nodeName: n1",
          "phase: Running, conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-01-01T00:09:50Z'}]") +
      "---\n" +
      podYaml("cheap", ", annotations: {controller.kubernetes.io/pod-deletion-cost: '-5'}", "nodeName: n1", kReady) +
      "---\n" +
      podYaml("restarted", "", "nodeName: n1", std::string(kReady) + ", containerStatuses: [{restartCount: 4}]") +
      "---\n" + podYaml("unready", "", "nodeName: n1", "phase: Running") + "---\n" +
      podYaml("pending", "", "nodeName: n1", "phase: Pending") + "---\n" +
      podYaml("unassigned", "", "", "phase: Pending");
  auto pods = objectsOf<Pod>(stream);
  const PodsOnNode onNode = [](std::string_view node) { return node == "full" ? 5 : 1; };
  sortForDeletion(pods, onNode, kNow);
  EXPECT_EQ(names(pods), "unassigned pending unready cheap crowded young restarted good");
  EXPECT_EQ(names(decideReplicas(replicaSetOf(6), pods, onNode, kNow).remove), "unassigned pending");
}

TEST(PodFromTemplate, IsControlledByTheReplicaSet) {
  const auto replicaSet = replicaSetOf(1);
  const auto pod = podFromTemplate(*replicaSet.object(), replicaSet.spec().template_());
  EXPECT_TRUE(json::equal(pod, json::parseYaml(R"(
apiVersion: v1
kind: Pod
metadata:
  generateName: web-
  namespace: shop
  labels: {app: web}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: r1, controller: true, blockOwnerDeletion: true}]
spec: {containers: [{name: a, image: b}]}
)"))) << json::renderYaml(pod);
}

TEST(ReplicaSetStatus, CountsActivePodsByTheirState) {
  const auto pods = objectsOf<Pod>(R"(
{metadata: {name: a, labels: {app: web}}, status: {phase: Running, conditions: [{type: Ready, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z'}]}}
---
{metadata: {name: b}, status: {phase: Pending}}
---
{metadata: {name: c, deletionTimestamp: '2026-01-01T00:00:00Z'}, status: {phase: Running}}
---
{metadata: {name: d}, status: {phase: Failed}}
)");
  const auto status = decideReplicaStatus(replicaSetOf(2), pods, {}, kNow);
  EXPECT_TRUE(json::equal(
      status, json::parseYaml("{replicas: 2, fullyLabeledReplicas: 1, readyReplicas: 1, availableReplicas: 1, "
                              "terminatingReplicas: 1, observedGeneration: 3}")))
      << json::renderYaml(status);
}

TEST(ReplicationControllerStatus, IsTheSame) {
  const core_v1::ReplicationController controller(objectOf(R"(
{metadata: {name: web, generation: 2}, spec: {replicas: 3, selector: {app: web}, template: {metadata: {labels: {app: web}}}}}
)"));
  const auto pods = objectsOf<Pod>("{metadata: {name: a, labels: {app: web}}, status: {phase: Running}}");
  EXPECT_EQ(decideReplicas(controller, pods, kOneEach, kNow).create, 2);
  EXPECT_EQ(json::serialize(decideReplicaStatus(controller, pods, {}, kNow)),
            R"({"replicas":1,"fullyLabeledReplicas":1,"observedGeneration":2})");
}

TEST(ReplicaSetStatus, SaysWhyPodsAreMissing) {
  const auto status = decideReplicaStatus(replicaSetOf(2), {}, {"FailedCreate", "exceeded quota"}, kNow);
  EXPECT_EQ(
      json::serialize(status.at("conditions")),
      R"([{"type":"ReplicaFailure","status":"True","lastTransitionTime":"2026-01-01T00:10:00Z","reason":"FailedCreate","message":"exceeded quota"}])");
}

}  // namespace
}  // namespace wherry::controllers
