// Pods that must go: drained under a budget, or from a tainted node.
#include <gtest/gtest.h>

#include "controllers/cluster.h"
#include "json/yaml.h"
#include "views/core_v1.h"
#include "views/policy_v1.h"

namespace wherry::integration {
namespace {

using core_v1::Node;
using core_v1::Pod;
using policy_v1::PodDisruptionBudget;

constexpr std::string_view kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: 'nginx:1'}]}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
)";

int64_t allowed(Cluster& cluster) {
  const PodDisruptionBudget budget(cluster.find(PodDisruptionBudget::kResource(), "default", "web"));
  return budget.status().expectedPods() == 2 ? budget.status().disruptionsAllowed() : -1;
}

TEST(Disruption, ABudgetLetsOnePodGoAtATime) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return allowed(cluster) == 1; }));
  const auto pod = cluster.list(Pod::kResource(), "default", "app=web").front();
  const json::Value eviction = json::Object{{"metadata", json::Object{{"name", pod->metadata().name()}}}};
  cluster.client().createSubresource(Pod::kResource(), "default", pod->metadata().name(), "eviction", eviction);
  EXPECT_TRUE(cluster.eventually([&] {
    const auto pods = cluster.list(Pod::kResource(), "default", "app=web");
    return allowed(cluster) == 1 && !cluster.find(Pod::kResource(), "default", pod->metadata().name());
  })) << "the next pod took its place";
}

void taint(Cluster& cluster, std::string_view taints) {
  cluster.client().patch(Node::kResource(), "", "boat", client::PatchType::kMerge,
                         json::parseYaml("{spec: {taints: " + std::string(taints) + "}}"));
}

TEST(TaintEviction, PodsLeaveATaintedNodeUnlessTheyTolerateIt) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(R"(
apiVersion: v1
kind: Pod
metadata: {name: goes}
spec: {containers: [{name: c, image: i}]}
---
apiVersion: v1
kind: Pod
metadata: {name: stays}
spec: {containers: [{name: c, image: i}], tolerations: [{key: old, operator: Exists}]}
---
apiVersion: v1
kind: Pod
metadata: {name: lingers}
spec:
  containers: [{name: c, image: i}]
  tolerations: [{key: old, operator: Exists, effect: NoExecute, tolerationSeconds: 1}]
)");
  auto running = [&](std::string_view name) {
    const Pod pod(cluster.find(Pod::kResource(), "default", name));
    return pod && pod.status().phase() == "Running";
  };
  ASSERT_TRUE(cluster.eventually([&] { return running("goes") && running("stays") && running("lingers"); }));
  taint(cluster, "[{key: old, effect: NoExecute}]");
  EXPECT_TRUE(cluster.eventually([&] { return !cluster.find(Pod::kResource(), "default", "goes"); }));
  EXPECT_TRUE(cluster.eventually([&] { return !cluster.find(Pod::kResource(), "default", "lingers"); }));
  EXPECT_TRUE(running("stays"));
}

}  // namespace
}  // namespace wherry::integration
