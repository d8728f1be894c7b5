#include "controllers/replica_calculator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using autoscaling_v2::MetricSpec;
using core_v1::Pod;
using metrics_v1beta1::PodMetrics;

// Pods in short hand, one a line: "a 200m" requests 1 CPU and uses 200m of it. "a -": nothing is known of its use.
// Further words: starting (not ready, started 10 s ago), unready (for long), pending, failed, deleting.
MetricSamples samplesOf(std::string_view lines, int64_t replicas) {
  MetricSamples samples;
  samples.currentReplicas = replicas;
  for (const auto line : base::split(lines, '\n')) {
    const auto words = base::split(base::trim(line), ' ');
    if (words.size() < 2) continue;
    const std::string_view state = words.size() > 2 ? words[2] : "";
    const bool ready = state != "starting" && state != "unready";
    samples.pods.emplace_back(objectOf(fmt::format(
        R"(
metadata: {{name: {0}, namespace: ns{1}}}
spec: {{containers: [{{name: main, resources: {{requests: {{cpu: '1', memory: 1Gi}}}}}}]}}
status: {{phase: {2}, startTime: '{3}', conditions: [{{type: Ready, status: '{4}', lastTransitionTime: '2026-01-01T00:05:00Z'}}]}}
)",
        words[0], state == "deleting" ? ", deletionTimestamp: '2026-01-01T00:09:55Z'" : "",
        state == "pending"  ? "Pending"
        : state == "failed" ? "Failed"
                            : "Running",
        state == "starting" ? "2026-01-01T00:09:50Z" : "2026-01-01T00:00:00Z", ready ? "True" : "False")));
    if (words[1] == "-") continue;
    samples.usage.emplace_back(
        objectOf(fmt::format("{{metadata: {{name: {0}, namespace: ns}}, timestamp: '2026-01-01T00:09:50Z', window: "
                             "15s, containers: [{{name: "
                             "main, usage: {{cpu: {1}, memory: {1}}}}}]}}",
                             words[0], words[1])));
  }
  return samples;
}

std::string compute(const char* metric, std::string_view pods, int64_t replicas, Tolerance tolerance = {}) {
  const json::Value spec = json::parseYaml(metric);
  auto samples = samplesOf(pods, replicas);
  samples.tolerance = tolerance;
  const auto outcome = computeMetric(MetricSpec(&spec), samples, kNow);
  if (!outcome.proposal) return outcome.reason + ": " + outcome.message;
  return fmt::format("{} by {}", outcome.proposal->replicas, outcome.proposal->metricName);
}

constexpr const char* kCpu =
    "{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}";
const std::string kByCpu = " by cpu resource utilization (percentage of request)";

TEST(ReplicaCalculator, BringsTheAverageToTheTarget) {
  struct Case {
    const char* name;
    const char* pods;
    int64_t replicas;
    int64_t wanted;
  };
  const Case cases[] = {
      {"twice the target: twice as many", "a 1000m\nb 1000m", 2, 4},
      {"half of it: half as many", "a 250m\nb 250m", 2, 1},
      {"rounded up", "a 600m\nb 600m\nc 600m", 3, 4},
      {"a little above it", "a 540m\nb 540m", 2, 2},
      {"a little below it", "a 460m\nb 460m", 2, 2},
      {"those that end don't count", "a 500m\nb 900m deleting\nc 900m failed", 1, 1},
      {"of one nothing is known: it is taken for idle before others are added", "a 1000m\nb -", 2, 2},
      {"and for busy before others are removed", "a 100m\nb -", 2, 2},
      {"so that fewer are removed", "a 50m\nb 50m\nc 50m\nd -", 4, 3},
      {"one that starts uses much, and isn't asked", "a 500m\nb 2000m starting", 2, 2},
      {"but is counted before others are added", "a 1500m\nb 2000m starting", 2, 3},
      {"pending ones are, too", "a 1500m\nb - pending\nc - pending", 3, 3},
      {"one that isn't ready after a long time is asked", "a 1000m\nb 1000m unready", 2, 4},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(compute(kCpu, each.pods, each.replicas), std::to_string(each.wanted) + kByCpu) << each.name;
  }
}

TEST(ReplicaCalculator, ToleratesAsMuchAsItIsTold) {
  EXPECT_EQ(compute(kCpu, "a 540m\nb 540m", 2, {.down = 0.1, .up = 0.05}), "3" + kByCpu);
  EXPECT_EQ(compute(kCpu, "a 700m\nb 700m", 2, {.down = 0.1, .up = 0.5}), "2" + kByCpu);
  EXPECT_EQ(compute(kCpu, "a 270m\nb 250m", 2, {.down = 0.6, .up = 0.1}), "2" + kByCpu);
}

TEST(ReplicaCalculator, GoesByQuantitiesAndContainers) {
  const char* const kMemory =
      "{type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 100Mi}}}";
  EXPECT_EQ(compute(kMemory, "a 150Mi\nb 250Mi", 2), "4 by memory resource");
  const auto ofContainer = [](const char* name) {
    return fmt::format(
        "{{type: ContainerResource, containerResource: {{name: cpu, container: {}, target: {{type: "
        "Utilization, averageUtilization: 50}}}}}}",
        name);
  };
  EXPECT_EQ(compute(ofContainer("main").c_str(), "a 1000m", 1),
            "2 by cpu container resource utilization (percentage of request)");
  EXPECT_EQ(compute(ofContainer("other").c_str(), "a 1000m", 1),
            "FailedGetContainerResourceMetric: failed to get cpu utilization: unable to get metrics for resource cpu: "
            "failed to get container metrics: container other not present in metrics for pod ns/a");
}

TEST(ReplicaCalculator, SaysWhatIsMissing) {
  const std::string failed = "FailedGetResourceMetric: failed to get cpu utilization: ";
  EXPECT_EQ(compute(kCpu, "a -", 1),
            failed + "unable to get metrics for resource cpu: no metrics returned from resource metrics API");
  EXPECT_EQ(compute(kCpu, "a 500m starting", 1),
            failed + "did not receive metrics for targeted pods (pods might be unready)");
  EXPECT_EQ(compute("{type: Resource, resource: {name: nuts, target: {type: Utilization, averageUtilization: 50}}}",
                    "a 500m", 1),
            "FailedGetResourceMetric: failed to get nuts utilization: did not receive metrics for targeted pods (pods "
            "might be unready)");
  EXPECT_EQ(
      compute("{type: Pods, pods: {metric: {name: hits}, target: {type: AverageValue, averageValue: 1}}}", "a 500m", 1),
      "FailedGetPodsMetric: unable to get metric hits: no custom metrics API (custom.metrics.k8s.io) registered");
  // Without requests there is no utilization.
  auto samples = samplesOf("a 500m", 1);
  samples.pods = {
      Pod(objectOf("{metadata: {name: a}, spec: {containers: [{name: main}]}, status: {phase: Running, "
                   "startTime: '2026-01-01T00:00:00Z', conditions: [{type: Ready, status: 'True', "
                   "lastTransitionTime: '2026-01-01T00:00:00Z'}]}}"))};
  const json::Value spec = json::parseYaml(kCpu);
  EXPECT_EQ(computeMetric(MetricSpec(&spec), samples, kNow).message,
            "failed to get cpu utilization: missing request for cpu in container main of Pod a");
}

TEST(ReplicaCalculator, ReportsWhatThereIs) {
  const json::Value spec = json::parseYaml(kCpu);
  const auto outcome = computeMetric(MetricSpec(&spec), samplesOf("a 300m\nb 500m", 2), kNow);
  ASSERT_TRUE(outcome.proposal);
  EXPECT_EQ(
      json::serialize(outcome.proposal->status),
      R"({"type":"Resource","resource":{"name":"cpu","current":{"averageValue":"400m","averageUtilization":40}}})");
}

}  // namespace
}  // namespace wherry::controllers
