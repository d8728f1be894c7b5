#include "controllers/horizontal_pod_autoscaler.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/test_objects.h"
#include "meta/time.h"

namespace wherry::controllers {
namespace {

using autoscaling_v2::HorizontalPodAutoscaler;

HorizontalPodAutoscaler autoscalerOf(std::string_view spec) {
  const char* const kCpu = "metrics: [{type: Resource, resource: {name: cpu, target: {averageUtilization: 50}}}]";
  return HorizontalPodAutoscaler(objectOf(fmt::format(R"(
metadata: {{name: web, namespace: ns}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}
  {}
  {}
)",
                                                      spec, spec.find("metrics:") == spec.npos ? kCpu : "")));
}

// So many pods that use so much of one CPU each.
MetricSamples samplesOf(int64_t count, int milli) {
  MetricSamples samples;
  samples.currentReplicas = count;
  for (int64_t i = 0; i < count; ++i) {
    samples.pods.emplace_back(objectOf(
        fmt::format("{{metadata: {{name: p{}}}, spec: {{containers: [{{name: c, resources: {{requests: {{cpu: "
                    "'1'}}}}}}]}}, status: "
                    "{{phase: Running, startTime: '2026-01-01T00:00:00Z', conditions: [{{type: Ready, status: 'True', "
                    "lastTransitionTime: '2026-01-01T00:00:00Z'}}]}}}}",
                    i)));
    if (milli < 0) continue;
    samples.usage.emplace_back(objectOf(fmt::format(
        "{{metadata: {{name: p{}}}, timestamp: '2026-01-01T00:09:50Z', window: 15s, containers: [{{name: c, "
        "usage: {{cpu: {}m}}}}]}}",
        i, milli)));
  }
  return samples;
}

std::string render(const AutoscalerDecision& decision) {
  std::string text;
  if (decision.rescaleTo) text += fmt::format("rescale to {}: {}\n", *decision.rescaleTo, decision.reason);
  for (const auto& event : decision.events) {
    text += fmt::format("{} {}: {}\n", event.warning ? "Warning" : "Normal", event.reason, event.message);
  }
  text += fmt::format("{} -> {}", json::getInt(decision.status, "currentReplicas"),
                      json::getInt(decision.status, "desiredReplicas"));
  if (const auto* conditions = decision.status.if_contains("conditions")) {
    for (const auto& condition : conditions->as_array()) {
      text += fmt::format(" {}={} {}", json::getString(condition, "type"), json::getString(condition, "status"),
                          json::getString(condition, "reason"));
    }
  }
  return text + "\n";
}

struct Case {
  const char* name;
  const char* spec;
  int64_t pods;
  int milli;
  const char* expected;
};

void expectDecisions(const std::vector<Case>& cases) {
  for (const auto& each : cases) {
    std::string expected;
    for (const auto line : base::split(each.expected, '\n')) {
      if (!base::trim(line).empty()) expected += std::string(base::trim(line)) + "\n";
    }
    ScalingHistory history;
    EXPECT_EQ(render(decideAutoscaler(autoscalerOf(each.spec), "app=web", samplesOf(each.pods, each.milli), {"ns/web"},
                                      history, kNow)),
              expected)
        << each.name;
  }
}

TEST(Autoscaler, FollowsItsMetrics) {
  expectDecisions({
      {"more", "maxReplicas: 10", 2, 1000, R"(
        rescale to 4: cpu resource utilization (percentage of request) above target
        2 -> 4 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=False DesiredWithinRange)"},
      {"as they are", "maxReplicas: 10", 2, 500,
       "2 -> 2 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=False "
       "DesiredWithinRange"},
      {"not more than twice as many at once", "maxReplicas: 100", 5, 3000, R"(
        rescale to 10: cpu resource utilization (percentage of request) above target
        5 -> 10 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=True ScaleUpLimit)"},
      {"not more than it may", "maxReplicas: 3", 2, 3000, R"(
        rescale to 3: cpu resource utilization (percentage of request) above target
        2 -> 3 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=True TooManyReplicas)"},
      {"fewer only once none was wanted for five minutes", "maxReplicas: 10", 4, 100,
       "4 -> 4 AbleToScale=True ScaleDownStabilized ScalingActive=True ValidMetricFound ScalingLimited=False "
       "DesiredWithinRange"},
      {"at once when it is told so",
       "maxReplicas: 10\n  behavior: {scaleDown: {stabilizationWindowSeconds: 0, policies: "
       "[{type: Percent, value: 100, periodSeconds: 15}]}}",
       4, 100, R"(
        rescale to 1: All metrics below target
        4 -> 1 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=False DesiredWithinRange)"},
      {"not fewer than it must",
       "maxReplicas: 10\n  minReplicas: 3\n  behavior: {scaleDown: {stabilizationWindowSeconds: "
       "0, policies: [{type: Percent, value: 100, periodSeconds: 15}]}}",
       4, 100, R"(
        rescale to 3: All metrics below target
        4 -> 3 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=True TooFewReplicas)"},
  });
}

TEST(Autoscaler, KeepsItsTargetWithinItsBounds) {
  expectDecisions({
      {"too many", "maxReplicas: 3", 5, 500, R"(
        rescale to 3: Current number of replicas above Spec.MaxReplicas
        5 -> 3 AbleToScale=True SucceededGetScale)"},
      {"too few", "maxReplicas: 5\n  minReplicas: 3", 1, 500, R"(
        rescale to 3: Current number of replicas below Spec.MinReplicas
        1 -> 3 AbleToScale=True SucceededGetScale)"},
      {"none: it is switched off", "maxReplicas: 5", 0, 0,
       "0 -> 0 AbleToScale=True SucceededGetScale ScalingActive=False ScalingDisabled"},
  });
}

TEST(Autoscaler, SaysWhatItCannotDo) {
  expectDecisions({
      {"nothing is known", "maxReplicas: 5", 2, -1, R"(
        Warning FailedGetResourceMetric: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API
        Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API
        2 -> 0 AbleToScale=True SucceededGetScale ScalingActive=False FailedGetResourceMetric)"},
      {"a metric that can't be had doesn't keep it from adding",
       "maxReplicas: 9\n  metrics: [{type: Pods, pods: {metric: {name: hits}}}, {type: Resource, resource: {name: cpu, "
       "target: {averageUtilization: 50}}}]",
       2, 1000, R"(
        rescale to 4: cpu resource utilization (percentage of request) above target
        Warning FailedGetPodsMetric: unable to get metric hits: no custom metrics API (custom.metrics.k8s.io) registered
        2 -> 4 AbleToScale=True ReadyForNewScale ScalingActive=True ValidMetricFound ScalingLimited=False DesiredWithinRange)"},
  });
  ScalingHistory history;
  const auto both =
      decideAutoscaler(autoscalerOf("maxReplicas: 5"), "app=web", samplesOf(2, 500), {"ns/a", "ns/web"}, history, kNow);
  EXPECT_EQ(render(both),
            "Warning FailedComputeMetricsReplicas: pods by selector app=web are controlled by multiple HPAs: [ns/a "
            "ns/web]\n2 -> 0 AbleToScale=True SucceededGetScale ScalingActive=False AmbiguousSelector\n");
}

// -- limits over time ------------------------------------------------------------------------------------------------

// What becomes of what is wanted, one a step, each so many seconds after the one before.
std::string follow(const char* spec, int64_t current, const std::vector<std::pair<int, int64_t>>& wanted) {
  const auto autoscaler = autoscalerOf(spec);
  ScalingHistory history;
  auto now = kNow;
  std::string text;
  for (const auto& [seconds, desired] : wanted) {
    now += std::chrono::seconds(seconds);
    const auto limited = limitReplicas(autoscaler, current, desired, history, now);
    if (limited.replicas != current) noteRescale(autoscaler, current, limited.replicas, history, now);
    current = limited.replicas;
    text += (text.empty() ? "" : " ") + std::to_string(current);
  }
  return text;
}

TEST(ScalingLimits, HoldBackWhatMayBePassing) {
  EXPECT_EQ(follow("maxReplicas: 99", 10, {{0, 5}, {150, 5}, {160, 5}}), "10 10 5");
  EXPECT_EQ(follow("maxReplicas: 99", 10, {{0, 5}, {150, 8}, {160, 5}, {160, 5}}), "10 10 8 5");
  EXPECT_EQ(
      follow("maxReplicas: 99\n  behavior: {scaleUp: {stabilizationWindowSeconds: 60, policies: [{type: Pods, value: "
             "99, periodSeconds: 1}]}}",
             2, {{0, 8}, {30, 6}, {40, 7}}),
      "2 2 6");
}

TEST(ScalingLimits, AreSpeeds) {
  const char* const kUp =
      "maxReplicas: 99\n  behavior: {scaleUp: {policies: [{type: Pods, value: 2, periodSeconds: 60}, {type: Percent, "
      "value: 50, periodSeconds: 60}]";
  EXPECT_EQ(follow((std::string(kUp) + "}}").c_str(), 10, {{0, 50}, {30, 50}, {40, 50}}), "15 15 23");
  EXPECT_EQ(follow((std::string(kUp) + ", selectPolicy: Min}}").c_str(), 10, {{0, 50}, {30, 50}, {40, 50}}),
            "12 12 14");
  EXPECT_EQ(follow((std::string(kUp) + ", selectPolicy: Disabled}}").c_str(), 10, {{0, 50}}), "10");
  const char* const kDown =
      "maxReplicas: 99\n  behavior: {scaleDown: {stabilizationWindowSeconds: 0, policies: [{type: Pods, value: 3, "
      "periodSeconds: 60}, {type: Percent, value: 10, periodSeconds: 60}]";
  EXPECT_EQ(follow((std::string(kDown) + "}}").c_str(), 20, {{0, 1}, {30, 1}, {40, 1}}), "17 17 14");
  EXPECT_EQ(follow((std::string(kDown) + ", selectPolicy: Min}}").c_str(), 20, {{0, 1}, {30, 1}, {40, 1}}), "18 18 16");
}

TEST(ScalingLimits, ForgetWhatIsPast) {
  const auto autoscaler = autoscalerOf("maxReplicas: 99");
  ScalingHistory history;
  for (int i = 0; i < 1000; ++i) limitReplicas(autoscaler, 5, 5, history, kNow + std::chrono::seconds(15 * i));
  EXPECT_LE(history.recommended.size(), 22u);
}

}  // namespace
}  // namespace wherry::controllers
