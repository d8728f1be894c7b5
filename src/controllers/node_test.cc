#include "controllers/node.h"

#include <gtest/gtest.h>

#include "controllers/namespace.h"
#include "controllers/root_ca.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using core_v1::Node;

TEST(PodCidr, IsTheFirstFreePieceOfTheCluster) {
  EXPECT_EQ(decidePodCidr("10.244.0.0/16", 24, {}), "10.244.0.0/24");
  EXPECT_EQ(decidePodCidr("10.244.0.0/16", 24, {"10.244.0.0/24", "10.244.2.0/24"}), "10.244.1.0/24");
  EXPECT_EQ(decidePodCidr("10.244.0.0/23", 24, {"10.244.0.0/24", "10.244.1.0/24"}), std::nullopt) << "all are taken";
  EXPECT_EQ(decidePodCidr("nonsense", 24, {}), std::nullopt);
  EXPECT_EQ(decidePodCidr("255.255.255.0/24", 24, {"255.255.255.0/24"}), std::nullopt) << "nor beyond the last";
  EXPECT_EQ(decidePodCidr("fd00:10:244::/56", 64, {}), "fd00:10:244::/64");
  EXPECT_EQ(decidePodCidr("fd00:10:244::/56", 64, {"fd00:10:244::/64"}), "fd00:10:244:1::/64");
  EXPECT_EQ(decidePodCidr("fd00:10:244::/64", 64, {"fd00:10:244::/64"}), std::nullopt);
}

TEST(Taints, FollowTheNodesState) {
  struct Case {
    std::string_view name, node, expected;  // "" : no change
  } const cases[] = {
      {"a ready node has none", "{status: {conditions: [{type: Ready, status: 'True'}]}}", ""},
      {"a node that is not ready", "{status: {conditions: [{type: Ready, status: 'False'}]}}",
       "[{key: node.kubernetes.io/not-ready, effect: NoSchedule, timeAdded: now}]"},
      {"a node that never said so", "{status: {}}",
       "[{key: node.kubernetes.io/not-ready, effect: NoSchedule, timeAdded: now}]"},
      {"a cordoned node keeps the user's taints",
       "{spec: {unschedulable: true, taints: [{key: gpu, effect: NoSchedule}]}, status: {conditions: [{type: Ready, "
       "status: 'True'}]}}",
       "[{key: gpu, effect: NoSchedule}, {key: node.kubernetes.io/unschedulable, effect: NoSchedule, timeAdded: now}]"},
      {"ready again",
       "{spec: {taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}]}, status: {conditions: [{type: "
       "Ready, status: 'True'}]}}",
       "[]"},
      {"the disk is full",
       "{status: {conditions: [{type: Ready, status: 'True'}, {type: DiskPressure, status: 'True'}]}}",
       "[{key: node.kubernetes.io/disk-pressure, effect: NoSchedule, timeAdded: now}]"},
  };
  for (const auto& [name, node, expected] : cases) {
    const auto taints = decideTaints(Node(objectOf(node)), "now");
    EXPECT_EQ(taints ? json::serialize(*taints) : "",
              expected.empty() ? "" : json::serialize(json::parseYaml(expected)))
        << name;
  }
}

TEST(RootCa, IsWrittenOnceAndPutRight) {
  const auto made = decideRootCa("shop", nullptr, "PEM");
  ASSERT_TRUE(made);
  EXPECT_EQ(json::getString(*made, "data.foo", "-"), "-");
  EXPECT_EQ(json::serialize(made->at("data")), R"({"ca.crt":"PEM"})");
  const meta::Object present(*made);
  EXPECT_EQ(decideRootCa("shop", &present, "PEM"), std::nullopt);
  EXPECT_EQ(json::serialize(decideRootCa("shop", &present, "NEW")->at("data")), R"({"ca.crt":"NEW"})");
}

TEST(NamespaceConditions, SayWhatRemains) {
  const RemainingContent pods{{"", "pods"}, {objectOf("{metadata: {name: a, finalizers: [example.com/hold]}}")}};
  const auto conditions = decideNamespaceConditions({}, {pods}, "2026-01-01T00:00:00Z");
  EXPECT_EQ(json::getString(conditions.at(1), "message"),
            "Some resources are remaining: pods. has 1 resource instances");
  EXPECT_EQ(json::getString(conditions.at(2), "message"),
            "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances");
}

}  // namespace
}  // namespace wherry::controllers
