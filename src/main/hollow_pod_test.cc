#include "main/hollow_pod.h"

#include <memory>

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::main {
namespace {

using namespace std::chrono_literals;

const base::WallTime kNow{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z

core_v1::Pod podOf(const std::string& yaml) {
  return core_v1::Pod(std::make_shared<const meta::Object>(json::parseYaml(yaml)));
}

HollowStep decide(const std::string& yaml, std::chrono::nanoseconds runFor = 0s) {
  return decideHollowStep(podOf(yaml), {"10.0.0.9", "100.64.0.1", runFor}, kNow);
}

// "Running ready 100.64.0.1, again in 30 s", "removed", "nothing".
std::string told(const HollowStep& step) {
  std::string text = step.what == HollowStep::What::kRemove ? "removed" : "nothing";
  if (step.what == HollowStep::What::kPatchStatus) {
    text = json::getString(step.patch, "status.phase");
    text += json::getString(step.patch, "status.conditions.2.status") == "True" ? " ready " : " unready ";
    text += json::getString(step.patch, "status.podIP");
  }
  if (!step.lookAgain) return text;
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(*step.lookAgain - kNow).count();
  return text + ", again in " + std::to_string(seconds) + " s";
}

TEST(HollowPod, RunsAtOnceAndEndsInTime) {
  constexpr const char* kRunning =
      "status: {phase: Running, podIP: 100.64.0.7, startTime: '2025-12-31T23:59:50Z', conditions: [{type: Ready, "
      "status: 'True'}]}}";
  const struct {
    const char* name;
    std::string pod;
    std::chrono::seconds runFor;
    const char* expected;
  } cases[] = {
      {"a pod for ever", "{spec: {restartPolicy: Always}}", 0s, "Running ready 100.64.0.1"},
      {"... is left alone then", std::string("{spec: {restartPolicy: Always}, ") + kRunning, 0s, "nothing"},
      {"a pod that ends at once never runs", "{spec: {restartPolicy: Never}}", 0s, "Succeeded unready 100.64.0.1"},
      {"a pod that ends later", "{spec: {restartPolicy: OnFailure}}", 30s, "Running ready 100.64.0.1, again in 30 s"},
      {"... is waited for", std::string("{spec: {restartPolicy: OnFailure}, ") + kRunning, 30s,
       "nothing, again in 20 s"},
      {"... and ends", std::string("{spec: {restartPolicy: OnFailure}, ") + kRunning, 10s,
       "Succeeded unready 100.64.0.7"},
      {"its annotation says when",
       "{metadata: {annotations: {wherry.dev/hollow-run-for: 1m}}, spec: {restartPolicy: Never}}", 0s,
       "Running ready 100.64.0.1, again in 60 s"},
      {"... and how", "{metadata: {annotations: {wherry.dev/hollow-exit-code: '3'}}, spec: {restartPolicy: Never}}", 0s,
       "Failed unready 100.64.0.1"},
      {"one that is started again for ever does not end",
       "{metadata: {annotations: {wherry.dev/hollow-exit-code: '3'}}, spec: {restartPolicy: OnFailure}}", 0s,
       "Running ready 100.64.0.1"},
      {"what is over stays so", "{spec: {restartPolicy: Never}, status: {phase: Failed}}", 0s, "nothing"},
      {"a deleted one is gone at once",
       "{metadata: {deletionTimestamp: '2026-01-01T00:00:30Z'}, spec: {restartPolicy: Always}}", 0s, "removed"},
      {"a pod of the host's network has its address", "{spec: {restartPolicy: Always, hostNetwork: true}}", 0s,
       "Running ready 10.0.0.9"},
      {"a closed readiness gate", "{spec: {restartPolicy: Always, readinessGates: [{conditionType: a}]}}", 0s,
       "Running unready 100.64.0.1"},
      {"... that is opened",
       "{spec: {restartPolicy: Always, readinessGates: [{conditionType: a}]}, status: {phase: Running, conditions: "
       "[{type: Ready, status: 'False'}, {type: a, status: 'True'}]}}",
       0s, "Running ready 100.64.0.1"},
  };
  for (const auto& c : cases) EXPECT_EQ(told(decide(c.pod, c.runFor)), c.expected) << c.name;
}

TEST(HollowPod, SaysOfEachContainerWhatItDoes) {
  const auto step = decide(
      "{spec: {restartPolicy: Always, initContainers: [{name: first, image: i}, {name: side, image: s, restartPolicy: "
      "Always}], containers: [{name: c, image: busybox}]}}");
  const auto& patch = step.patch;
  EXPECT_EQ(json::getString(patch, "status.containerStatuses.0.state.running.startedAt"), "2026-01-01T00:00:00Z");
  EXPECT_TRUE(json::getBool(patch, "status.containerStatuses.0.ready"));
  EXPECT_EQ(json::getString(patch, "status.initContainerStatuses.0.state.terminated.reason"), "Completed");
  EXPECT_EQ(json::getString(patch, "status.initContainerStatuses.1.state.running.startedAt"), "2026-01-01T00:00:00Z");
}

TEST(HollowPod, AFailedContainerHasItsExitCode) {
  const auto step = decide(
      "{metadata: {annotations: {wherry.dev/hollow-exit-code: '3'}}, spec: {restartPolicy: Never, containers: [{name: "
      "c}]}}");
  EXPECT_EQ(json::getInt(step.patch, "status.containerStatuses.0.state.terminated.exitCode"), 3);
}

}  // namespace
}  // namespace wherry::main
