#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/cluster.h"
#include "json/yaml.h"
#include "views/apps_v1.h"
#include "views/core_v1.h"

namespace wherry::integration {
namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;
using core_v1::Pod;

constexpr std::string_view kWeb = R"(
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: nginx, image: 'nginx:1'}]}}
)";

bool isDone(Cluster& cluster, int64_t replicas) {
  const Deployment deployment(cluster.find(Deployment::kResource(), "default", "web"));
  const auto status = deployment.status();
  return status.observedGeneration() == deployment.metadata().generation() && status.replicas() == replicas &&
         status.updatedReplicas() == replicas && status.availableReplicas() == replicas;
}

void patch(Cluster& cluster, std::string_view yaml) {
  cluster.client().patch(Deployment::kResource(), "default", "web", client::PatchType::kStrategic,
                         json::parseYaml(yaml));
}

std::set<std::string> images(Cluster& cluster) {
  std::set<std::string> images;
  for (const auto& object : cluster.list(Pod::kResource(), "default", "app=web")) {
    images.emplace(Pod(object).spec().containers()[0].image());
  }
  return images;
}

std::string condition(Cluster& cluster, std::string_view type) {
  const Deployment deployment(cluster.find(Deployment::kResource(), "default", "web"));
  for (const auto condition : deployment.status().conditions()) {
    if (condition.type() == type) return fmt::format("{} {}", condition.status(), condition.reason());
  }
  return "";
}

TEST(DeploymentInCluster, BecomesAvailable) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  EXPECT_TRUE(cluster.eventually([&] { return condition(cluster, "Progressing") == "True NewReplicaSetAvailable"; }));
  EXPECT_EQ(condition(cluster, "Available"), "True MinimumReplicasAvailable");
  const auto replicaSets = cluster.list(ReplicaSet::kResource(), "default");
  ASSERT_EQ(replicaSets.size(), 1u);
  const std::string name(replicaSets[0]->metadata().name());
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.eventsAbout("default", "web") ==
           std::vector<std::string>{fmt::format("ScalingReplicaSet Scaled up replica set {} from 0 to 3", name)};
  }));
  EXPECT_TRUE(cluster.eventually([&] { return cluster.eventsAbout("default", name).size() == 3; }));
  for (const auto& pod : cluster.list(Pod::kResource(), "default", "app=web")) {
    EXPECT_TRUE(pod->metadata().name().starts_with(name + "-"));
  }
}

TEST(DeploymentInCluster, RollsToANewImageAndBack) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  patch(cluster, "{spec: {template: {spec: {containers: [{name: nginx, image: 'nginx:2'}]}}}}");
  ASSERT_TRUE(
      cluster.eventually([&] { return isDone(cluster, 3) && images(cluster) == std::set<std::string>{"nginx:2"}; }));
  EXPECT_EQ(cluster.list(ReplicaSet::kResource(), "default").size(), 2u);
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.find(Deployment::kResource(), "default", "web")
               ->metadata()
               .annotation("deployment.kubernetes.io/revision") == "2";
  }));
  patch(cluster, "{spec: {template: {spec: {containers: [{name: nginx, image: 'nginx:1'}]}}}}");
  ASSERT_TRUE(
      cluster.eventually([&] { return isDone(cluster, 3) && images(cluster) == std::set<std::string>{"nginx:1"}; }));
  EXPECT_EQ(cluster.list(ReplicaSet::kResource(), "default").size(), 2u) << "the old ReplicaSet is used again";
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.find(Deployment::kResource(), "default", "web")
               ->metadata()
               .annotation("deployment.kubernetes.io/revision") == "3";
  }));
}

TEST(DeploymentInCluster, ScalesUpAndDown) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  patch(cluster, "{spec: {replicas: 5}}");
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 5); }));
  patch(cluster, "{spec: {replicas: 1}}");
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 1); }));
  ASSERT_TRUE(cluster.eventually([&] { return cluster.list(Pod::kResource(), "default").size() == 1; }));
  patch(cluster, "{spec: {replicas: 0}}");
  ASSERT_TRUE(cluster.eventually([&] { return cluster.list(Pod::kResource(), "default").empty(); }));
}

TEST(DeploymentInCluster, RecreateNeverMixesVersions) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  patch(cluster, "{spec: {strategy: {type: Recreate, rollingUpdate: null}}}");
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  patch(cluster, "{spec: {template: {spec: {containers: [{name: nginx, image: 'nginx:2'}]}}}}");
  ASSERT_TRUE(cluster.eventually([&] {
    EXPECT_LE(images(cluster).size(), 1u);
    return isDone(cluster, 3) && images(cluster) == std::set<std::string>{"nginx:2"};
  }));
}

TEST(DeploymentInCluster, APausedOneDoesNotRoll) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  patch(cluster, "{spec: {paused: true, template: {spec: {containers: [{name: nginx, image: 'nginx:2'}]}}}}");
  ASSERT_TRUE(cluster.eventually([&] { return condition(cluster, "Progressing") == "Unknown DeploymentPaused"; }));
  EXPECT_EQ(images(cluster), std::set<std::string>{"nginx:1"});
  patch(cluster, "{spec: {paused: false}}");
  ASSERT_TRUE(
      cluster.eventually([&] { return isDone(cluster, 3) && images(cluster) == std::set<std::string>{"nginx:2"}; }));
}

TEST(DeploymentInCluster, ADeletedPodIsReplacedAndNoneIsMadeTwice) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  const std::string victim(cluster.list(Pod::kResource(), "default")[0]->metadata().name());
  cluster.client().remove(Pod::kResource(), "default", victim);
  ASSERT_TRUE(
      cluster.eventually([&] { return !cluster.find(Pod::kResource(), "default", victim) && isDone(cluster, 3); }));
  const std::string replicaSet(cluster.list(ReplicaSet::kResource(), "default")[0]->metadata().name());
  EXPECT_TRUE(cluster.eventually([&] { return cluster.eventsAbout("default", replicaSet).size() == 4; }));
}

TEST(DeploymentInCluster, ItsDeletionTakesReplicaSetsAndPodsAlong) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  cluster.client().remove(Deployment::kResource(), "default", "web", {.propagation = client::Propagation::kBackground});
  EXPECT_TRUE(cluster.eventually([&] {
    return cluster.list(ReplicaSet::kResource(), "default").empty() &&
           cluster.list(Pod::kResource(), "default").empty();
  }));
}

TEST(DeploymentInCluster, InTheForegroundItGoesLast) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  cluster.client().remove(Deployment::kResource(), "default", "web", {.propagation = client::Propagation::kForeground});
  EXPECT_TRUE(cluster.eventually([&] { return !cluster.find(Deployment::kResource(), "default", "web"); }));
  EXPECT_TRUE(cluster.list(Pod::kResource(), "default").empty());
}

TEST(DeploymentInCluster, OrphaningLeavesThePods) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(kWeb);
  ASSERT_TRUE(cluster.eventually([&] { return isDone(cluster, 3); }));
  cluster.client().remove(Deployment::kResource(), "default", "web", {.propagation = client::Propagation::kOrphan});
  ASSERT_TRUE(cluster.eventually([&] { return !cluster.find(Deployment::kResource(), "default", "web"); }));
  ASSERT_EQ(cluster.list(ReplicaSet::kResource(), "default").size(), 1u);
  EXPECT_TRUE(cluster.list(ReplicaSet::kResource(), "default")[0]->metadata().ownerReferences().empty());
  EXPECT_EQ(cluster.list(Pod::kResource(), "default").size(), 3u);
}

}  // namespace
}  // namespace wherry::integration
