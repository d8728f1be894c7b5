#include "controllers/job_policies.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "controllers/job_index_failures.h"
#include "controllers/test_objects.h"

namespace wherry::controllers {
namespace {

using batch_v1::Job;
using core_v1::Pod;

Job jobWith(std::string_view spec) {
  return Job(objectOf(fmt::format("{{metadata: {{name: job, namespace: ns}}, spec: {{{}}}}}", spec)));
}
Pod podWith(std::string_view status, std::string_view metadata = "") {
  return Pod(objectOf(fmt::format("{{metadata: {{name: pod, namespace: ns{}}}, status: {}}}", metadata, status)));
}

std::string nameOf(FailureVerdict::Action action) {
  static const char* const names[] = {"", "FailJob", "FailIndex", "Ignore", "Count"};
  return names[static_cast<int>(action)];
}

TEST(PodFailurePolicy, TakesTheFirstRuleThatMatches) {
  struct Case {
    const char* name;
    const char* rules;
    const char* status;
    const char* verdict;
  };
  const char* const kExit42 =
      "{phase: Failed, containerStatuses: [{name: main, state: {terminated: {exitCode: 42}}}, {name: side, state: "
      "{terminated: {exitCode: 0}}}]}";
  const char* const kDisrupted =
      "{phase: Failed, conditions: [{type: Ready, status: 'False'}, {type: DisruptionTarget, status: 'True'}]}";
  const Case cases[] = {
      {"no rule", "[]", kExit42, ""},
      {"an exit code that is listed", "[{action: FailJob, onExitCodes: {operator: In, values: [1, 42]}}]", kExit42,
       "FailJob: Container main for pod ns/pod failed with exit code 42 matching FailJob rule at index 0"},
      {"one that isn't", "[{action: FailJob, onExitCodes: {operator: In, values: [1]}}]", kExit42, ""},
      {"any but those listed", "[{action: Ignore, onExitCodes: {operator: NotIn, values: [1]}}]", kExit42, "Ignore"},
      {"success is no exit code to match", "[{action: Ignore, onExitCodes: {operator: NotIn, values: [42]}}]", kExit42,
       ""},
      {"of another container", "[{action: Ignore, onExitCodes: {containerName: side, operator: NotIn, values: [1]}}]",
       kExit42, ""},
      {"the second rule",
       "[{action: Ignore, onPodConditions: [{type: DisruptionTarget}]}, {action: FailJob, onExitCodes: {operator: In, "
       "values: [42]}}]",
       kExit42, "FailJob: Container main for pod ns/pod failed with exit code 42 matching FailJob rule at index 1"},
      {"a condition", "[{action: Ignore, onPodConditions: [{type: DisruptionTarget, status: 'True'}]}]", kDisrupted,
       "Ignore"},
      {"a condition of another status", "[{action: Ignore, onPodConditions: [{type: Ready}]}]", kDisrupted, ""},
      {"fails for a condition", "[{action: FailJob, onPodConditions: [{type: DisruptionTarget}]}]", kDisrupted,
       "FailJob: Pod ns/pod has condition DisruptionTarget matching FailJob rule at index 0"},
      {"an init container", "[{action: FailIndex, onExitCodes: {containerName: setup, operator: In, values: [3]}}]",
       "{phase: Failed, initContainerStatuses: [{name: setup, state: {terminated: {exitCode: 3}}}]}", "FailIndex"},
  };
  for (const auto& each : cases) {
    const auto verdict =
        judgeFailure(jobWith(fmt::format("podFailurePolicy: {{rules: {}}}", each.rules)), podWith(each.status));
    const std::string text = nameOf(verdict.action) + (verdict.message.empty() ? "" : ": ") + verdict.message;
    EXPECT_EQ(text, each.verdict) << each.name;
  }
}

TEST(PodFailure, IsAlsoADeletionUnlessTheJobWaitsForItsEnd) {
  const auto deleted = podWith("{phase: Running}", ", deletionTimestamp: '2026-01-01T00:00:00Z'");
  EXPECT_TRUE(hasFailed(jobWith(""), deleted));
  EXPECT_TRUE(hasFailed(jobWith("podReplacementPolicy: TerminatingOrFailed"), deleted));
  EXPECT_FALSE(hasFailed(jobWith("podReplacementPolicy: Failed"), deleted));
  EXPECT_FALSE(hasFailed(jobWith("podFailurePolicy: {rules: []}"), deleted));
  EXPECT_FALSE(hasFailed(jobWith(""), podWith("{phase: Running}")));
  EXPECT_TRUE(hasFailed(jobWith("podReplacementPolicy: Failed"), podWith("{phase: Failed}")));
  EXPECT_FALSE(hasFailed(jobWith(""), podWith("{phase: Succeeded}", ", deletionTimestamp: '2026-01-01T00:00:00Z'")));
}

TEST(SuccessPolicy, IsMetByCertainIndexesOrByANumberOfThem) {
  struct Case {
    const char* name;
    const char* rules;
    const char* succeeded;
    const char* message;
  };
  const Case cases[] = {
      {"no index yet", "[{succeededCount: 0}]", "", ""},
      {"all of those named", "[{succeededIndexes: 0-2}]", "0-4", "Matched rules at index 0"},
      {"not all of them", "[{succeededIndexes: 0-2}]", "0,1,5", ""},
      {"as many as wanted", "[{succeededCount: 3}]", "1,5,9", "Matched rules at index 0"},
      {"too few", "[{succeededCount: 3}]", "1,5", ""},
      {"as many of those named", "[{succeededIndexes: '0,2,4', succeededCount: 2}]", "2-4", "Matched rules at index 0"},
      {"the wrong ones", "[{succeededIndexes: '0,2,4', succeededCount: 2}]", "1,2,3,5", ""},
      {"a later rule", "[{succeededIndexes: 9}, {succeededCount: 1}]", "3", "Matched rules at index 1"},
  };
  for (const auto& each : cases) {
    const auto job = jobWith(fmt::format("completions: 10, successPolicy: {{rules: {}}}", each.rules));
    EXPECT_EQ(matchSuccessPolicy(job, IndexSet::parse(each.succeeded, 10)).value_or(""), each.message) << each.name;
  }
}

TEST(IndexFailures, AreCountedFromPodToPod) {
  const auto failures = [](const char* job, const char* annotations) {
    const auto pod = podWith("{phase: Failed, conditions: [{type: DisruptionTarget, status: 'True'}]}",
                             fmt::format(", annotations: {{{}}}", annotations));
    const auto after = failuresAfter(jobWith(job), pod);
    return fmt::format("{} {} {}", after.counted, after.ignored, failsIndex(jobWith(job), pod));
  };
  const char* const kTwice = "batch.kubernetes.io/job-index-failure-count: '2'";
  const char* const kIgnores =
      "backoffLimitPerIndex: 2, podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: "
      "DisruptionTarget}]}]}";
  EXPECT_EQ(failures("backoffLimitPerIndex: 2", ""), "1 0 false");
  EXPECT_EQ(failures("backoffLimitPerIndex: 3", kTwice), "3 0 false");
  EXPECT_EQ(failures("backoffLimitPerIndex: 2", kTwice), "3 0 true");
  EXPECT_EQ(failures(kIgnores, kTwice), "2 1 false");
  EXPECT_EQ(failures("backoffLimitPerIndex: 2", "batch.kubernetes.io/job-index-failure-count: '-7'"), "1 0 false");
  EXPECT_EQ(failures("backoffLimitPerIndex: 2, podFailurePolicy: {rules: [{action: FailIndex, onPodConditions: [{type: "
                     "DisruptionTarget}]}]}",
                     ""),
            "1 0 true");
}

}  // namespace
}  // namespace wherry::controllers
