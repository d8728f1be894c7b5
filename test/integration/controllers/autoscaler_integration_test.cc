#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/cluster.h"
#include "json/yaml.h"
#include "views/autoscaling_v2.h"
#include "views/core_v1.h"

namespace wherry::integration {
namespace {

using autoscaling_v2::HorizontalPodAutoscaler;
using testing::Contains;

std::string conditionsOf(Cluster& cluster) {
  const HorizontalPodAutoscaler autoscaler(cluster.find(HorizontalPodAutoscaler::kResource(), "default", "scaler"));
  std::string text;
  for (const auto condition : autoscaler.status().conditions()) {
    text += fmt::format("{}={} {} ", condition.type(), condition.status(), condition.reason());
  }
  return text;
}

// What can be scaled: all by the same subresource.
TEST(AutoscalerInCluster, KeepsEveryScalableKindWithinItsBounds) {
  struct Case {
    const char* apiVersion;
    const char* kind;
    const char* selector;
  };
  for (const Case& each : {Case{"apps/v1", "Deployment", "{matchLabels: {app: web}}"},
                           Case{"apps/v1", "ReplicaSet", "{matchLabels: {app: web}}"},
                           Case{"apps/v1", "StatefulSet", "{matchLabels: {app: web}}"},
                           Case{"v1", "ReplicationController", "{app: web}"}}) {
    Cluster cluster;
    cluster.addNode();
    cluster.create(fmt::format(R"(
apiVersion: {0}
kind: {1}
metadata: {{name: web}}
spec:
  replicas: 4
  selector: {2}
  template: {{metadata: {{labels: {{app: web}}}}, spec: {{terminationGracePeriodSeconds: 0, containers: [{{name: c, image: i}}]}}}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {{name: scaler}}
spec: {{maxReplicas: 2, scaleTargetRef: {{apiVersion: {0}, kind: {1}, name: web}}}}
)",
                               each.apiVersion, each.kind, each.selector));
    EXPECT_TRUE(cluster.eventually([&] {
      return cluster.list(core_v1::Pod::kResource(), "default", "app=web").size() == 2;
    })) << each.kind;
    EXPECT_TRUE(cluster.eventually([&] { return conditionsOf(cluster) == "AbleToScale=True SucceededRescale "; }))
        << each.kind << ": " << conditionsOf(cluster);
  }
}

TEST(AutoscalerInCluster, SaysWhatItCannotFind) {
  Cluster cluster;
  cluster.create(R"(
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scaler}
spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}
)");
  EXPECT_TRUE(cluster.eventually([&] { return conditionsOf(cluster) == "AbleToScale=False FailedGetScale "; }));
  EXPECT_TRUE(cluster.eventually([&] {
    const auto events = cluster.eventsAbout("default", "scaler");
    return std::find(events.begin(), events.end(), "FailedGetScale deployments.apps \"web\" not found") != events.end();
  }));
}

}  // namespace
}  // namespace wherry::integration
