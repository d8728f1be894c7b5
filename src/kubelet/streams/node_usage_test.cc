#include "kubelet/streams/node_usage.h"

#include <gtest/gtest.h>

#include "json/value.h"
#include "json/yaml.h"
#include "kubelet/volumes/volume_stats.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

NodeMeasure example() {
  base::WallTime at{1'700'000'100s}, start{1'700'000'000s};
  Measure web{"web", start, 2'500'000'000, {10s, 250'000'000}, 3000, 2000};
  Measure side{"side", start, 500'000'000, {10s, 50'000'000}, 300, 200};
  return {.at = at,
          .node = {"node1", start, 9'000'000'000, {10s, 900'000'000}, 5000, 4000},
          .memoryCapacity = 10000,
          .pods = {{"default", "web-1", "uid-1", start, {web, side}}}};
}

TEST(NodeUsage, GivesTheAPITheRatesAndTheWorkingSets) {
  auto usage = toNodeUsage(example());
  EXPECT_EQ(usage.node.cpuNanocores, 900'000'000u);
  EXPECT_EQ(usage.node.window, 10s);
  ASSERT_EQ(usage.pods.size(), 1u);
  EXPECT_EQ(usage.pods[0].containers[1].name, "side");
  EXPECT_EQ(usage.pods[0].containers[1].usage.memoryWorkingSet, 200u);
}

TEST(NodeUsage, TheSummarySumsUpPods) {
  auto summary = renderSummary(example());
  EXPECT_EQ(json::getString(summary, "node.nodeName"), "node1");
  EXPECT_EQ(json::find(summary, "node.memory.availableBytes")->to_number<int>(), 6000);
  EXPECT_EQ(json::find(summary, "pods.0.cpu.usageNanoCores")->to_number<int>(), 300'000'000);
  EXPECT_EQ(json::getString(summary, "pods.0.podRef.namespace"), "default");
  EXPECT_EQ(json::getString(summary, "pods.0.containers.1.name"), "side");
  EXPECT_EQ(json::find(summary, "pods.0.containers.0.memory.workingSetBytes")->to_number<int>(), 2000);
}

TEST(NodeUsage, TheSummaryShowsVolumesWhereTheyWereLookedAt) {
  NodeMeasure measure = example();
  EXPECT_EQ(json::find(renderSummary(measure), "pods.0.volume"), nullptr);
  const CsiVolumeStats numbers{.availableBytes = 600,
                               .capacityBytes = 1000,
                               .usedBytes = 400,
                               .freeInodes = 6,
                               .inodes = 10,
                               .usedInodes = 4,
                               .abnormal = true,
                               .message = "sick"};
  measure.pods[0].volumes = renderVolumeStats({{"data", "claim", numbers}, {"scratch", "", {}}}, "default", measure.at);
  EXPECT_EQ(*json::find(renderSummary(measure), "pods.0.volume"), json::parseYaml(R"(
- {time: '2023-11-14T22:15:00Z', name: data, availableBytes: 600, capacityBytes: 1000, usedBytes: 400, inodesFree: 6, inodes: 10,
   inodesUsed: 4, pvcRef: {name: claim, namespace: default}, volumeHealthStats: {abnormal: true}}
- {time: '2023-11-14T22:15:00Z', name: scratch, availableBytes: 0, capacityBytes: 0, usedBytes: 0, inodesFree: 0, inodes: 0,
   inodesUsed: 0}
)"));
}

TEST(NodeUsage, MetricsAreTheTextThatPrometheusReads) {
  std::string text = renderResourceMetrics(example());
  EXPECT_NE(text.find("# TYPE container_cpu_usage_seconds_total counter\n"
                      "container_cpu_usage_seconds_total{container=\"web\",namespace=\"default\",pod=\"web-1\"} 2.5\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nnode_memory_working_set_bytes 4000\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\npod_memory_working_set_bytes{namespace=\"default\",pod=\"web-1\"} 2200\n"), std::string::npos);
  std::string own = renderKubeletMetrics(example(), {1.5, 4096, 12});
  EXPECT_NE(own.find("\nkubelet_running_pods 1\n"), std::string::npos) << own;
  EXPECT_NE(own.find("\nprocess_open_fds 12\n"), std::string::npos) << own;
}

}  // namespace
}  // namespace wherry::kubelet
