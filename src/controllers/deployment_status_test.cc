#include "controllers/deployment_status.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/test_objects.h"
#include "meta/conditions.h"
#include "meta/time.h"

namespace wherry::controllers {
namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;

Deployment deploymentWith(std::string_view status) {
  json::Value tree = json::parseYaml(R"(
metadata: {name: web, uid: d1, generation: 2}
spec: {replicas: 2, progressDeadlineSeconds: 600, template: {spec: {containers: [{name: a, image: v2}]}}}
)");
  tree.as_object()["status"] = json::parseYaml(status);
  return Deployment(std::make_shared<const meta::Object>(std::move(tree)));
}

Generations oneReplicaSet(int replicas, int ready) {
  return {ReplicaSet(objectOf(fmt::format("{{metadata: {{name: web-1}}, spec: {{replicas: 2}}, status: {{replicas: {}, "
                                          "readyReplicas: {}, availableReplicas: {}}}}}",
                                          replicas, ready, ready))),
          {}};
}

std::string condition(const json::Object& status, std::string_view type) {
  const auto& conditions = status.at("conditions").as_array();
  return fmt::format("{} {}: {}", meta::conditionField(conditions, type, "status"),
                     meta::conditionField(conditions, type, "reason"),
                     meta::conditionField(conditions, type, "message"));
}

TEST(DeploymentStatus, CountsPodsOfAllReplicaSets) {
  const auto deployment = deploymentWith("{}");
  Generations generations = oneReplicaSet(2, 1);
  generations.old.emplace_back(objectOf(
      "{metadata: {name: web-0}, spec: {replicas: 1}, status: {replicas: 1, readyReplicas: 1, availableReplicas: 1}}"));
  const auto status = decideDeploymentStatus({deployment, generations, kNow});
  json::Object counts = status;
  counts.erase("conditions");
  EXPECT_TRUE(
      json::equal(counts, json::parseYaml("{observedGeneration: 2, replicas: 3, updatedReplicas: 2, readyReplicas: 2, "
                                          "availableReplicas: 2, unavailableReplicas: 1, terminatingReplicas: 0}")))
      << json::renderYaml(counts);
}

TEST(DeploymentStatus, SaysAvailableFromTheMinimumOn) {
  const auto deployment = deploymentWith("{}");
  EXPECT_EQ(condition(decideDeploymentStatus({deployment, oneReplicaSet(2, 2), kNow}), "Available"),
            "True MinimumReplicasAvailable: Deployment has minimum availability.");
  EXPECT_EQ(condition(decideDeploymentStatus({deployment, oneReplicaSet(2, 0), kNow}), "Available"),
            "False MinimumReplicasUnavailable: Deployment does not have minimum availability.");
}

TEST(DeploymentStatus, GoesFromProgressingToComplete) {
  const auto atStart = decideDeploymentStatus({deploymentWith("{}"), oneReplicaSet(2, 1), kNow});
  EXPECT_EQ(condition(atStart, "Progressing"), "True ReplicaSetUpdated: ReplicaSet \"web-1\" is progressing.");
  const auto atEnd = decideDeploymentStatus({deploymentWith(json::serialize(atStart)), oneReplicaSet(2, 2), kNow});
  EXPECT_EQ(condition(atEnd, "Progressing"),
            "True NewReplicaSetAvailable: ReplicaSet \"web-1\" has successfully progressed.");
  const auto again = decideDeploymentStatus(
      {deploymentWith(json::serialize(atEnd)), oneReplicaSet(2, 2), kNow + std::chrono::hours(1)});
  EXPECT_EQ(json::serialize(again), json::serialize(atEnd)) << "and then stands still";
}

TEST(DeploymentStatus, TimesOutAtTheDeadlineAndNotBefore) {
  const auto atStart = decideDeploymentStatus({deploymentWith("{}"), oneReplicaSet(2, 1), kNow});
  const auto deployment = deploymentWith(json::serialize(atStart));
  EXPECT_EQ(progressDeadline(deployment, atStart), kNow + std::chrono::seconds(600));
  const auto before = decideDeploymentStatus({deployment, oneReplicaSet(2, 1), kNow + std::chrono::seconds(599)});
  EXPECT_EQ(json::serialize(before), json::serialize(atStart));
  const auto after = decideDeploymentStatus({deployment, oneReplicaSet(2, 1), kNow + std::chrono::seconds(600)});
  EXPECT_EQ(condition(after, "Progressing"),
            "False ProgressDeadlineExceeded: ReplicaSet \"web-1\" has timed out progressing.");
  EXPECT_EQ(progressDeadline(deployment, after), std::nullopt);
}

TEST(DeploymentStatus, TakesOverWhatTroublesItsReplicaSet) {
  Generations generations = oneReplicaSet(0, 0);
  generations.current.emplace(objectOf(R"(
metadata: {name: web-1}
spec: {replicas: 2}
status: {replicas: 0, conditions: [{type: ReplicaFailure, status: 'True', reason: FailedCreate, message: exceeded quota}]}
)"));
  EXPECT_EQ(condition(decideDeploymentStatus({deploymentWith("{}"), generations, kNow}), "ReplicaFailure"),
            "True FailedCreate: exceeded quota");
}

}  // namespace
}  // namespace wherry::controllers
