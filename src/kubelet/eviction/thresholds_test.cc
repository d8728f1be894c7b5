#include "kubelet/eviction/thresholds.h"

#include <stdexcept>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

const base::WallTime kNow{1'700'000'000s};

std::string refusalOf(const EvictionFlags& flags) {
  try {
    parseEviction(flags);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

TEST(ParseEviction, ReadsTheKubeletsFlags) {
  const auto settings = parseEviction({.hard = "memory.available<100Mi,nodefs.available<10%",
                                       .soft = "memory.available<1.5Gi",
                                       .softGrace = "memory.available=1m30s",
                                       .minimumReclaim = "nodefs.available=2Gi",
                                       .transition = "1h",
                                       .maxPodGraceSeconds = 7});
  ASSERT_EQ(settings.thresholds.size(), 3u);
  EXPECT_EQ(settings.thresholds[0].least.of(1), 100 << 20);
  EXPECT_EQ(settings.thresholds[1].least.of(1000), 100);
  EXPECT_EQ(settings.thresholds[1].reclaim.of(1), int64_t{2} << 30);
  EXPECT_EQ(settings.thresholds[2].least.of(1), 1536 << 20);
  EXPECT_EQ(settings.thresholds[2].grace, 90s);
  EXPECT_EQ(settings.transition, 3600s);
  EXPECT_EQ(settings.maxPodGrace, 7s);
  EXPECT_EQ(parseEviction({}).thresholds.size(), 3u);
  EXPECT_TRUE(parseEviction({.hard = ""}).thresholds.empty());
}

TEST(ParseEviction, SaysWhatIsWrong) {
  EXPECT_EQ(refusalOf({.hard = "memory.free<1Gi"}), "memory.free<1Gi: unsupported eviction signal");
  EXPECT_EQ(refusalOf({.hard = "memory.available=1Gi"}), "memory.available=1Gi: expected SIGNAL<VALUE");
  EXPECT_EQ(refusalOf({.hard = "memory.available<much"}), "memory.available<much: not a quantity");
  EXPECT_EQ(refusalOf({.hard = "memory.available<-1Gi"}), "memory.available<-1Gi: not a quantity");
  EXPECT_EQ(refusalOf({.hard = "nodefs.available<101%"}), "nodefs.available<101%: a percentage is from 0% to 100%");
  EXPECT_EQ(refusalOf({.hard = "memory.available<1Gi,memory.available<2Gi"}), "memory.available<2Gi: given twice");
  EXPECT_EQ(refusalOf({.soft = "memory.available<1Gi"}), "memory.available: a soft threshold must have a grace period");
  EXPECT_EQ(refusalOf({.soft = "memory.available<1Gi", .softGrace = "memory.available=soon"}),
            "memory.available=soon: not a duration");
  EXPECT_EQ(refusalOf({.transition = "5"}), "5: not a duration");
}

// One look, `at` seconds after the first: "MemoryPressure; reclaim memory.available; again 60".
class Pressure : public testing::Test {
 protected:
  std::string look(int at, const Supplies& supplies) {
    const auto now = kNow + std::chrono::seconds(at);
    const auto decision = decidePressure(settings, supplies, state, now);
    std::vector<std::string> parts(decision.conditions.begin(), decision.conditions.end());
    if (decision.reclaim) parts.push_back(fmt::format("reclaim {}", nameOf(decision.reclaim->signal)));
    if (decision.again) {
      const auto in = std::chrono::duration_cast<std::chrono::seconds>(*decision.again - now);
      parts.push_back(fmt::format("again {}", in.count()));
    }
    return base::join(parts, "; ");
  }
  static Supplies memory(int64_t available) { return {{Signal::kMemory, {1000, available}}}; }

  EvictionSettings settings;
  PressureState state;
};

TEST_F(Pressure, AHardThresholdCountsAtOnceAndItsConditionStaysAWhile) {
  settings = parseEviction({.hard = "memory.available<100"});
  EXPECT_EQ(look(0, memory(100)), "");
  EXPECT_EQ(look(10, memory(99)), "MemoryPressure; reclaim memory.available");
  EXPECT_EQ(look(20, memory(100)), "MemoryPressure; again 290");
  EXPECT_EQ(look(30, memory(99)), "MemoryPressure; reclaim memory.available");
  EXPECT_EQ(look(40, memory(500)), "MemoryPressure; again 290");
  EXPECT_EQ(look(330, memory(500)), "");
}

TEST_F(Pressure, ASoftThresholdHasToLast) {
  settings = parseEviction({.hard = "", .soft = "memory.available<20%", .softGrace = "memory.available=30s"});
  EXPECT_EQ(look(0, memory(150)), "MemoryPressure; again 30");
  EXPECT_EQ(look(10, memory(150)), "MemoryPressure; again 20");
  EXPECT_EQ(look(15, memory(250)), "MemoryPressure; again 295");
  EXPECT_EQ(look(20, memory(150)), "MemoryPressure; again 30");
  EXPECT_EQ(look(50, memory(150)), "MemoryPressure; reclaim memory.available");
}

TEST_F(Pressure, AMinimumIsReclaimed) {
  settings = parseEviction({.hard = "memory.available<100", .minimumReclaim = "memory.available=50"});
  EXPECT_EQ(look(0, memory(120)), "");
  EXPECT_EQ(look(1, memory(90)), "MemoryPressure; reclaim memory.available");
  EXPECT_EQ(look(2, memory(120)), "MemoryPressure; reclaim memory.available");
  EXPECT_EQ(look(3, memory(150)), "MemoryPressure; again 299");
  EXPECT_EQ(look(4, memory(120)), "MemoryPressure; again 298");
}

TEST_F(Pressure, MemoryComesFirst) {
  settings =
      parseEviction({.hard = "pid.available<10%,nodefs.inodesFree<5%,nodefs.available<10%,memory.available<10%"});
  Supplies supplies{{Signal::kPids, {100, 1}}, {Signal::kNodeFs, {100, 1}}, {Signal::kNodeFsInodes, {100, 1}}};
  EXPECT_EQ(look(0, supplies), "DiskPressure; PIDPressure; reclaim nodefs.available");
  supplies[Signal::kMemory] = {100, 1};
  EXPECT_EQ(look(0, supplies), "DiskPressure; MemoryPressure; PIDPressure; reclaim memory.available");
}

TEST_F(Pressure, WhatIsNotMeasuredIsEnough) {
  settings = parseEviction({});
  EXPECT_EQ(look(0, {}), "");
}

}  // namespace
}  // namespace wherry::kubelet
