#include "kubelet/eviction/pod_ranking.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

constexpr int64_t kMi = 1 << 20;

// A pod of one container, "web", that asks for `requests` and takes so many MiB.
PodUse useOf(std::string_view name, int priority, std::string_view requests, int64_t memory, int64_t disk = 0) {
  PodUse use{.pod =
                 makePod(fmt::format("{{priority: {}, containers: [{{name: web, resources: {{requests: {{{}}}}}}}]}}",
                                     priority, requests),
                         fmt::format("name: {}", name))};
  use.containers["web"] = {memory * kMi, disk * kMi};
  return use;
}

std::string ranked(std::vector<PodUse> pods, Signal signal) {
  rankForEviction(pods, signal);
  std::vector<std::string> names;
  for (const auto& use : pods) names.emplace_back(use.pod.metadata().name());
  return base::join(names, " ");
}

TEST(RankForEviction, WhoTakesMoreThanItAskedForGoesFirst) {
  EXPECT_EQ(ranked({useOf("guaranteed", 0, "memory: 200Mi", 200), useOf("burst", 0, "memory: 50Mi", 60),
                    useOf("nothing", 0, "", 10)},
                   Signal::kMemory),
            "burst nothing guaranteed");
}

TEST(RankForEviction, ThenByPriorityThenByHowFarAbove) {
  EXPECT_EQ(ranked({useOf("low-much", 1, "", 50), useOf("high-most", 9, "", 90), useOf("low-more", 1, "", 60),
                    useOf("within-lowest", 0, "memory: 1Gi", 500)},
                   Signal::kMemory),
            "low-more low-much high-most within-lowest");
}

TEST(RankForEviction, ByTheResourceThatIsShort) {
  const std::vector<PodUse> pods{useOf("memory", 0, "", 90, 10), useOf("disk", 0, "", 10, 90)};
  EXPECT_EQ(ranked(pods, Signal::kMemory), "memory disk");
  EXPECT_EQ(ranked(pods, Signal::kNodeFs), "disk memory");
  auto counted = pods;
  counted[0].processes = 3;
  counted[1].processes = 7;
  EXPECT_EQ(ranked(counted, Signal::kPids), "disk memory");
}

TEST(IsCritical, StaticPodsAndSystemPriorities) {
  EXPECT_FALSE(isCritical(makePod("{priority: 1000000000}")));
  EXPECT_TRUE(isCritical(makePod("{priority: 2000000000}")));
  EXPECT_TRUE(isCritical(makePod("{}", "annotations: {kubernetes.io/config.source: file}")));
  EXPECT_TRUE(isCritical(makePod("{}", "annotations: {kubernetes.io/config.mirror: x}")));
}

TEST(RefusalUnder, PressureKeepsOutWhatIsNotNeeded) {
  const auto bestEffort = makePod("{}", {}, "qosClass: BestEffort"),
             burstable = makePod("{}", {}, "qosClass: Burstable");
  EXPECT_EQ(refusalUnder({}, bestEffort), "");
  EXPECT_EQ(refusalUnder({"MemoryPressure"}, bestEffort), "The node had condition: [MemoryPressure]. ");
  EXPECT_EQ(refusalUnder({"MemoryPressure"}, burstable), "");
  EXPECT_EQ(refusalUnder({"DiskPressure", "MemoryPressure"}, burstable),
            "The node had condition: [DiskPressure MemoryPressure]. ");
  EXPECT_EQ(
      refusalUnder({"MemoryPressure"}, makePod("{tolerations: [{operator: Exists}]}", {}, "qosClass: BestEffort")), "");
  EXPECT_EQ(refusalUnder({"DiskPressure"}, makePod("{priority: 2000001000}")), "");
}

TEST(EvictionMessage, SaysWhatWasShortAndWhoTookIt) {
  const Threshold memory{.signal = Signal::kMemory, .least = {100 * kMi}};
  EXPECT_EQ(evictionMessage(useOf("a", 0, "memory: 50Mi", 60), memory, {1000 * kMi, 90 * kMi}),
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. Container web was using "
            "60Mi, request is 50Mi, has larger consumption of memory. ");
  EXPECT_EQ(evictionMessage(useOf("a", 0, "memory: 60Mi", 60), memory, {1000 * kMi, 90 * kMi}),
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 90Mi. ");
  const Threshold disk{.signal = Signal::kNodeFs, .least = {0, 0.1}};
  EXPECT_EQ(
      evictionMessage(useOf("a", 0, "", 0, 5), disk, {1000 * kMi, 90 * kMi}),
      "The node was low on resource: ephemeral-storage. Threshold quantity: 100Mi, available: 90Mi. Container web "
      "was using 5Mi, request is 0, has larger consumption of ephemeral-storage. ");
  const Threshold pids{.signal = Signal::kPids, .least = {100}};
  EXPECT_EQ(evictionMessage(useOf("a", 0, "", 0), pids, {1000, 90}),
            "The node was low on resource: pids. Threshold quantity: 100, available: 90. ");
}

}  // namespace
}  // namespace wherry::kubelet
