#include "kubelet/node/node_object.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

const base::WallTime kNow{1'700'000'000s};

Machine machine() {
  return {.cpus = 2,
          .memory = 2LL << 30,
          .diskSize = 100LL << 30,
          .architecture = "amd64",
          .kernelVersion = "6.1.0",
          .osImage = "Debian",
          .machineId = "m",
          .bootId = "b",
          .runtimeVersion = "crun://1.8.1"};
}

json::Value node(const Machine& m, base::WallTime now = kNow) {
  return renderNode({"node1", "192.0.2.1", "10.244.0.0/24"}, m, now);
}

std::string condition(const json::Value& node, std::string_view type) {
  for (const json::Value& condition : json::find(node, "status.conditions")->get_array()) {
    if (json::getString(condition, "type") == type) return std::string(json::getString(condition, "status"));
  }
  return "missing";
}

TEST(NodeObject, SaysWhatTheMachineIs) {
  json::Value rendered = node(machine());
  EXPECT_EQ(json::getString(rendered, "metadata.name"), "node1");
  EXPECT_EQ(json::getString(rendered, "spec.podCIDR"), "10.244.0.0/24");
  EXPECT_EQ(json::getString(rendered, "status.capacity.memory"), "2097152Ki");
  EXPECT_EQ(json::getString(rendered, "status.allocatable.memory"), "1994752Ki");
  EXPECT_EQ(json::getString(rendered, "status.capacity.pods"), "110");
  EXPECT_EQ(json::getString(rendered, "status.nodeInfo.kubeletVersion"), "v1.36.0");
  EXPECT_EQ(json::getString(rendered, "status.addresses.0.address"), "192.0.2.1");
}

TEST(NodeObject, IsReadyAndTellsOfPressure) {
  EXPECT_EQ(condition(node(machine()), "Ready"), "True");
  EXPECT_EQ(condition(node(machine()), "MemoryPressure"), "False");
  Machine full = machine();
  full.pressures = {"MemoryPressure", "DiskPressure"};
  EXPECT_EQ(condition(node(full), "MemoryPressure"), "True");
  EXPECT_EQ(condition(node(full), "DiskPressure"), "True");
  EXPECT_EQ(condition(node(full), "PIDPressure"), "False");
  full.shuttingDown = true;
  EXPECT_EQ(condition(node(full), "Ready"), "False");
}

TEST(NodeObject, ASecondStartWritesNothingAndKeepsWhatOthersSet) {
  json::Value live = node(machine());
  live.as_object()["spec"].as_object()["unschedulable"] = true;
  live.as_object()["metadata"].as_object()["labels"].as_object()["disk"] = "ssd";
  EXPECT_TRUE(json::equal(updateNode(live, node(machine(), kNow + 3600s)), live));
}

}  // namespace
}  // namespace wherry::kubelet
