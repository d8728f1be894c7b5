#include "controllers/job.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/test_objects.h"
#include "controllers/ttl_after_finished.h"
#include "meta/time.h"

namespace wherry::controllers {
namespace {

using batch_v1::Job;
using core_v1::Pod;

// -- objects ---------------------------------------------------------------------------------------------------------

// What `more` says in the place of what is there.
void replaceFields(json::Object& object, std::string_view more) {
  const json::Value fields = json::parseYaml(fmt::format("{{{}}}", more));
  for (const auto& field : fields.as_object()) object[field.key()] = field.value();
}

Job jobOf(std::string_view spec, std::string_view status, std::string_view metadata) {
  json::Value job = json::parseYaml(fmt::format(R"(
apiVersion: batch/v1
kind: Job
metadata: {{name: job, namespace: ns, uid: j1, creationTimestamp: '2026-01-01T00:00:00Z'{}}}
spec: {{parallelism: 1, backoffLimit: 6, template: {{spec: {{containers: [{{name: a, image: b}}]}}}}}}
status: {{startTime: '2026-01-01T00:00:00Z'}}
)",
                                                metadata));
  replaceFields(job.as_object()["spec"].as_object(), spec);
  replaceFields(job.as_object()["status"].as_object(), status);
  return Job(std::make_shared<const meta::Object>(std::move(job)));
}

// Pods in a user's short hand, one a line: "a Succeeded", with further words
//   @3           of this completion index        counted      without the finalizer
//   deleting     being deleted for 5 s           ready
//   failures=2   of its index, before            -20s         ended so long ago (0 s when it isn't said)
Pod podOf(std::string_view line) {
  const auto words = base::split(line, ' ');
  std::string metadata, annotations, conditions;
  bool counted = false;
  std::string ended = meta::formatTime(kNow);
  for (size_t i = 2; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "counted") counted = true;
    if (word == "deleting") metadata += ", deletionTimestamp: '2026-01-01T00:09:55Z', deletionGracePeriodSeconds: 0";
    if (word == "ready") conditions = "{type: Ready, status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z'}";
    if (word.starts_with('@')) {
      annotations += fmt::format("{}: '{}', ", kCompletionIndex, word.substr(1));
    }
    if (word.starts_with("failures=")) {
      annotations += fmt::format("{}: '{}', ", kIndexFailureCount, word.substr(9));
    }
    if (word.starts_with('-')) {
      const auto seconds = *base::parseInt<int>(word.substr(1, word.size() - 2));
      ended = meta::formatTime(kNow - std::chrono::seconds(seconds));
    }
  }
  const bool terminal = words[1] == "Succeeded" || words[1] == "Failed";
  return Pod(objectOf(fmt::format(
      R"(
metadata: {{name: {0}, namespace: ns, uid: {0}, creationTimestamp: '2026-01-01T00:00:00Z'{1}, annotations: {{{2}}}, finalizers: [{3}]}}
spec: {{nodeName: n1}}
status: {{phase: {4}, conditions: [{5}], containerStatuses: [{6}]}}
)",
      words[0], metadata, annotations, counted ? "" : kJobTrackingFinalizer, words[1], conditions,
      terminal ? fmt::format("{{name: a, state: {{terminated: {{exitCode: {}, finishedAt: '{}'}}}}}}",
                             words[1] == "Failed" ? 1 : 0, ended)
               : "")));
}

std::vector<Pod> podsOf(std::string_view lines) {
  std::vector<Pod> pods;
  for (const auto line : base::split(lines, '\n')) {
    if (!base::trim(line).empty()) pods.push_back(podOf(base::trim(line)));
  }
  return pods;
}

// -- what a round does, in words -------------------------------------------------------------------------------------

std::string namesOf(const std::vector<Pod>& pods) {
  std::string names;
  for (const auto& pod : pods) names += fmt::format(" {}", pod.metadata().name());
  return names;
}

std::string renderActions(const JobPodActions& actions) {
  std::string text;
  size_t nameless = 0;
  std::string indexes;
  for (const auto& create : actions.create) {
    if (!create.index) {
      ++nameless;
    } else {
      indexes += fmt::format(" @{}", *create.index);
      if (create.failures.counted > 0) indexes += fmt::format("({})", create.failures.counted);
    }
  }
  if (nameless > 0) text += fmt::format("create {}\n", nameless);
  if (!indexes.empty()) text += fmt::format("create{}\n", indexes);
  if (!actions.remove.empty()) {
    text += fmt::format("{}{}\n", actions.letGo ? "let go and remove" : "remove", namesOf(actions.remove));
  }
  if (actions.again) {
    text +=
        fmt::format("again in {} s\n", std::chrono::duration_cast<std::chrono::seconds>(*actions.again - kNow).count());
  }
  return text;
}

// "active: 1, ..." in one line; conditions as "Suspended=True JobSuspended", without what never changes.
std::string renderStatus(json::Object status) {
  std::string conditions;
  if (const auto* list = status.if_contains("conditions")) {
    for (const auto& condition : list->as_array()) {
      conditions += fmt::format(" {}={} {}", json::getString(condition, "type"), json::getString(condition, "status"),
                                json::getString(condition, "reason"));
    }
  }
  status.erase("conditions");
  std::string text;
  for (const char* name : {"startTime", "active", "ready", "terminating", "succeeded", "failed", "completedIndexes",
                           "failedIndexes", "completionTime"}) {
    const auto* value = status.if_contains(name);
    if (!value || value->is_null()) continue;
    const std::string shown = value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
    const bool usual = shown.empty() || (!value->is_string() && shown == "0") || shown == "2026-01-01T00:00:00Z";
    if (!usual) text += fmt::format("{}: {}, ", name, shown);
  }
  if (const auto* lists = status.if_contains("uncountedTerminatedPods"); lists && !lists->as_object().empty()) {
    text += "uncounted: " + json::serialize(*lists) + ", ";
  }
  if (text.ends_with(", ")) text.resize(text.size() - 2);
  return std::string(base::trim(text + conditions));
}

std::string statusLine(const json::Object& status) {
  return std::string(base::trim("status " + renderStatus(status))) + "\n";
}

std::string renderEvents(const std::vector<JobEvent>& events) {
  std::string text;
  for (const auto& event : events) {
    text += fmt::format("{} {}: {}\n", event.warning ? "Warning" : "Normal", event.reason, event.message);
  }
  return text;
}

JobPodResults allDone(const JobPodActions& actions) {
  return {.created = std::ssize(actions.create), .removed = actions.remove, .complete = true};
}

std::string round(const Job& job, std::vector<Pod> pods, const std::optional<JobBackoff>& backoff = std::nullopt) {
  const auto count = countJob(job, std::move(pods), backoff, kNow);
  const auto actions = decideJobPods(count, kNow);
  const auto progress = decideJobProgress(count, allDone(actions), kNow);
  std::set<std::string> untracked;
  for (const auto& pod : progress.untrack) untracked.emplace(pod.metadata().uid());
  const auto end = decideJobEnd(job, progress.status, progress, untracked, kNow);
  std::string text = renderActions(actions) + statusLine(progress.status);
  text += renderEvents(progress.events);
  if (!progress.untrack.empty()) text += fmt::format("untrack{}\n", namesOf(progress.untrack));
  if (!json::equal(end.status, progress.status)) text += statusLine(end.status);
  return text + renderEvents(end.events);
}

struct Case {
  const char* name;
  const char* spec;
  const char* status;
  const char* pods;
  const char* expected;
  const char* metadata = "";
};

void expectRounds(const std::vector<Case>& cases) {
  for (const auto& each : cases) {
    std::string expected;
    for (const auto line : base::split(each.expected, '\n')) {
      if (!base::trim(line).empty()) expected += std::string(base::trim(line)) + "\n";
    }
    EXPECT_EQ(round(jobOf(each.spec, each.status, each.metadata), podsOf(each.pods)), expected) << each.name;
  }
}

// -- pods ------------------------------------------------------------------------------------------------------------

TEST(JobPods, AreAsManyAsMayRunAndAreStillNeeded) {
  expectRounds({
      {"the first ones", "completions: 5, parallelism: 2", "", "", R"(
        create 2
        status active: 2)"},
      {"no more than are still needed", "completions: 5, parallelism: 9", "succeeded: 3", "a Running", R"(
        create 1
        status active: 2, succeeded: 3)"},
      {"those that have ended count at once", "completions: 2, parallelism: 2", "", "a Succeeded\nb Running ready", R"(
        status active: 1, ready: 1, uncounted: {"succeeded":["a"]}
        untrack a
        status active: 1, ready: 1, succeeded: 1)"},
      {"too many: the least useful go", "completions: 5, parallelism: 1", "", "a Running ready\nb Pending", R"(
        let go and remove b
        status active: 1, ready: 1, terminating: 1)"},
      {"none while it isn't to run", "completions: 5, parallelism: 0", "", "", "status"},
      {"none while it is deleted", "completions: 5, parallelism: 2", "", "a Running", R"(
        status active: 1
        untrack a)",
       ", deletionTimestamp: '2026-01-01T00:00:00Z'"},
      {"without completions, as many as may run", "parallelism: 3", "", "a Running", R"(
        create 2
        status active: 3)"},
      {"after the first success none is added", "parallelism: 3", "succeeded: 1", "a Running",
       "status active: 1, succeeded: 1"},
  });
}

TEST(JobPods, OfAnIndexedJobHaveAnIndexEach) {
  expectRounds({
      {"the first ones", "completionMode: Indexed, completions: 5, parallelism: 3", "", "", R"(
        create @0 @1 @2
        status active: 3)"},
      {"those that neither run nor have succeeded", "completionMode: Indexed, completions: 6, parallelism: 3",
       "completedIndexes: '0,2', succeeded: 2", "a Running @3", R"(
        create @1 @4
        status active: 3, succeeded: 2, completedIndexes: 0,2)"},
      {"a second one of an index goes, and one without", "completionMode: Indexed, completions: 2, parallelism: 3", "",
       "a Running @0 ready\nb Pending @0\nc Running\nd Running @7",
       R"(
        let go and remove c d b
        status active: 1, ready: 1, terminating: 3)"},
      {"a failed one is made anew after a while", "completionMode: Indexed, completions: 1", "", "a Failed @0 -4s", R"(
        again in 6 s
        status uncounted: {"failed":["a"]}
        untrack a
        status failed: 1)"},
  });
}

// -- failures --------------------------------------------------------------------------------------------------------

TEST(JobFailures, DelayTheNextAttempt) {
  expectRounds({
      {"10 s", "completions: 1", "", "a Failed -3s", R"(
        again in 7 s
        status uncounted: {"failed":["a"]}
        untrack a
        status failed: 1)"},
      {"doubled with each", "completions: 1", "failed: 2", "a Failed counted -90s\nb Failed counted -60s\nc Failed -5s",
       R"(
        again in 35 s
        status failed: 2, uncounted: {"failed":["c"]}
        untrack c
        status failed: 3)"},
      {"from anew after a success", "completions: 9", "failed: 2, succeeded: 1",
       "a Failed counted -90s\nb Succeeded counted -60s\nc Failed counted -5s", R"(
        again in 5 s
        status succeeded: 1, failed: 2)"},
      {"not longer than 10 minutes", "completions: 1, backoffLimit: 99", "failed: 9",
       "a Failed counted -9s\nb Failed counted -9s\nc Failed counted -9s\nd Failed counted -9s\ne Failed counted -9s\n"
       "f Failed counted -9s\ng Failed counted -9s\nh Failed counted -9s\ni Failed counted -9s",
       R"(
        again in 591 s
        status failed: 9)"},
      {"over after it", "completions: 1", "failed: 1", "a Failed counted -11s", R"(
        create 1
        status active: 1, failed: 1)"},
  });
}

TEST(JobFailures, EndTheJobWhenTheyAreTooMany) {
  expectRounds({
      {"more than its limit: the others end, too", "completions: 3, parallelism: 2, backoffLimit: 0", "",
       "a Failed\nb Running ready", R"(
        remove b
        status terminating: 1, uncounted: {"failed":["a","b"]} FailureTarget=True BackoffLimitExceeded
        untrack a b
        status terminating: 1, failed: 2 FailureTarget=True BackoffLimitExceeded)"},
      {"and once they are gone it has failed", "completions: 3, backoffLimit: 0",
       "failed: 2, terminating: 1, conditions: [{type: FailureTarget, status: 'True', reason: BackoffLimitExceeded, "
       "message: Job has reached the specified backoff limit}]",
       "a Failed counted", R"(
        status failed: 2 FailureTarget=True BackoffLimitExceeded
        status failed: 2 FailureTarget=True BackoffLimitExceeded Failed=True BackoffLimitExceeded
        Warning BackoffLimitExceeded: Job has reached the specified backoff limit)"},
      {"too late", "completions: 3, activeDeadlineSeconds: 600", "", "a Running", R"(
        remove a
        status terminating: 1, uncounted: {"failed":["a"]} FailureTarget=True DeadlineExceeded
        untrack a
        status terminating: 1, failed: 1 FailureTarget=True DeadlineExceeded)"},
      {"not yet too late", "completions: 3, activeDeadlineSeconds: 700", "", "a Running", R"(
        again in 100 s
        status active: 1)"},
      {"a rule of its policy",
       "completions: 3, podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [1]}}]}", "",
       "a Failed", R"(
        status uncounted: {"failed":["a"]} FailureTarget=True PodFailurePolicy
        untrack a
        status failed: 1 FailureTarget=True PodFailurePolicy Failed=True PodFailurePolicy
        Warning PodFailurePolicy: Container a for pod ns/a failed with exit code 1 matching FailJob rule at index 0)"},
      {"one that is ignored counts for nothing",
       "completions: 3, backoffLimit: 0, podFailurePolicy: {rules: [{action: Ignore, onExitCodes: {operator: In, "
       "values: [1]}}]}",
       "", "a Failed -20s", R"(
        create 1
        status active: 1
        untrack a)"},
  });
}

TEST(JobFailures, OfRestartedContainersCountAsAttempts) {
  const auto job = jobOf("completions: 1, backoffLimit: 2, template: {spec: {restartPolicy: OnFailure}}", "", "");
  const auto podWith = [](int restarts) {
    return std::vector{Pod(objectOf(
        fmt::format("{{metadata: {{name: a, uid: a, finalizers: [{}]}}, status: {{phase: Running, containerStatuses: "
                    "[{{restartCount: {}}}]}}}}",
                    kJobTrackingFinalizer, restarts)))};
  };
  EXPECT_EQ(round(job, podWith(1)), "status active: 1\n");
  EXPECT_TRUE(round(job, podWith(2)).starts_with("remove a\n")) << round(job, podWith(2));
}

TEST(JobFailures, AreCountedForEachIndexWhereItHasALimitOfItsOwn) {
  expectRounds({
      {"the index is tried again, and knows how often",
       "completionMode: Indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 2", "",
       "a Failed @0 failures=1 -30s\nb Running @1", R"(
        create @0(2)
        status active: 2)"},
      {"until it has failed", "completionMode: Indexed, completions: 3, parallelism: 1, backoffLimitPerIndex: 1", "",
       "a Failed @0 failures=1 -30s", R"(
        create @1
        status active: 1, failedIndexes: 0, uncounted: {"failed":["a"]}
        untrack a
        status active: 1, failed: 1, failedIndexes: 0)"},
      {"other indexes don't wait", "completionMode: Indexed, completions: 2, parallelism: 2, backoffLimitPerIndex: 3",
       "", "a Failed @0 -1s", R"(
        create @1
        again in 9 s
        status active: 1)"},
      {"all have ended, and one has failed", "completionMode: Indexed, completions: 2, backoffLimitPerIndex: 0",
       "completedIndexes: '0', succeeded: 1", "a Failed @1", R"(
        status succeeded: 1, completedIndexes: 0, failedIndexes: 1, uncounted: {"failed":["a"]} FailureTarget=True FailedIndexes
        untrack a
        status succeeded: 1, failed: 1, completedIndexes: 0, failedIndexes: 1 FailureTarget=True FailedIndexes Failed=True FailedIndexes
        Warning FailedIndexes: Job has failed indexes)"},
      {"too many have failed", "completionMode: Indexed, completions: 9, backoffLimitPerIndex: 0, maxFailedIndexes: 1",
       "failedIndexes: '3', failed: 1", "a Failed @4\nb Running @5", R"(
        remove b
        status terminating: 1, failed: 1, failedIndexes: 3,4, uncounted: {"failed":["a","b"]} FailureTarget=True MaxFailedIndexesExceeded
        untrack a b
        status terminating: 1, failed: 3, failedIndexes: 3,4 FailureTarget=True MaxFailedIndexesExceeded)"},
  });
}

// -- the good end ----------------------------------------------------------------------------------------------------

TEST(JobEnds, WhenAsManyHaveSucceededAsItAsksFor) {
  expectRounds({
      {"the last one", "completions: 2", "succeeded: 1", "a Succeeded counted\nb Succeeded", R"(
        status succeeded: 1, uncounted: {"succeeded":["b"]} SuccessCriteriaMet=True CompletionsReached
        untrack b
        status succeeded: 2, completionTime: 2026-01-01T00:10:00Z SuccessCriteriaMet=True CompletionsReached Complete=True CompletionsReached
        Normal Completed: Job completed)"},
      {"none was asked for", "completions: 0", "", "", R"(
        status SuccessCriteriaMet=True CompletionsReached
        status completionTime: 2026-01-01T00:10:00Z SuccessCriteriaMet=True CompletionsReached Complete=True CompletionsReached
        Normal Completed: Job completed)"},
      {"one still ends: it waits", "completions: 1", "", "a Succeeded\nb Running deleting counted", R"(
        status terminating: 1, uncounted: {"succeeded":["a"]} SuccessCriteriaMet=True CompletionsReached
        untrack a
        status terminating: 1, succeeded: 1 SuccessCriteriaMet=True CompletionsReached)"},
      {"more than it asked for", "completions: 1", "succeeded: 1", "a Succeeded", R"(
        status succeeded: 1, uncounted: {"succeeded":["a"]} SuccessCriteriaMet=True CompletionsReached
        untrack a
        status succeeded: 2, completionTime: 2026-01-01T00:10:00Z SuccessCriteriaMet=True CompletionsReached Complete=True CompletionsReached
        Warning TooManySucceededPods: Too many succeeded pods running after completion count reached
        Normal Completed: Job completed)"},
      {"without completions, when the first has and the others have ended", "parallelism: 2", "",
       "a Succeeded\nb Failed", R"(
        status uncounted: {"succeeded":["a"],"failed":["b"]} SuccessCriteriaMet=True CompletionsReached
        untrack a b
        status succeeded: 1, failed: 1, completionTime: 2026-01-01T00:10:00Z SuccessCriteriaMet=True CompletionsReached Complete=True CompletionsReached
        Normal Completed: Job completed)"},
      {"its policy is met: the others end, and are no failures",
       "completionMode: Indexed, completions: 3, parallelism: 3, successPolicy: {rules: [{succeededIndexes: '0'}]}", "",
       "a Succeeded @0\nb Running @1", R"(
        remove b
        status terminating: 1, succeeded: 1, completedIndexes: 0 SuccessCriteriaMet=True SuccessPolicy
        untrack a b)"},
  });
}

// -- nothing is counted twice or lost
// ----------------------------------------------------------------------------------

TEST(JobCounting, GoesOnWhereItWasInterrupted) {
  expectRounds({
      {"listed, and the finalizer is there", "completions: 2", "uncountedTerminatedPods: {succeeded: [a]}",
       "a Succeeded\nb Running", R"(
        status active: 1, uncounted: {"succeeded":["a"]}
        untrack a
        status active: 1, succeeded: 1)"},
      {"listed, and the finalizer is gone", "completions: 2", "uncountedTerminatedPods: {succeeded: [a]}",
       "a Succeeded counted\nb Running", "status active: 1, succeeded: 1"},
      {"listed, and the pod is gone", "completions: 2", "uncountedTerminatedPods: {succeeded: [a], failed: [c]}",
       "b Running", "status active: 1, succeeded: 1, failed: 1"},
      {"counted: it is not looked at again", "completions: 2", "succeeded: 1", "a Succeeded counted\nb Running",
       "status active: 1, succeeded: 1"},
      {"an index that is counted, and the finalizer is there", "completionMode: Indexed, completions: 2",
       "completedIndexes: '0', succeeded: 1", "a Succeeded @0\nb Running @1", R"(
        status active: 1, succeeded: 1, completedIndexes: 0
        untrack a)"},
      {"the last one was counted, but the end not told", "completions: 1",
       "succeeded: 1, conditions: [{type: SuccessCriteriaMet, status: 'True', reason: CompletionsReached, message: "
       "Reached expected number of succeeded pods}]",
       "a Succeeded counted", R"(
        status succeeded: 1 SuccessCriteriaMet=True CompletionsReached
        status succeeded: 1, completionTime: 2026-01-01T00:10:00Z SuccessCriteriaMet=True CompletionsReached Complete=True CompletionsReached
        Normal Completed: Job completed)"},
      {"a pod that failed and was then deleted counts once", "completions: 1, parallelism: 0",
       "uncountedTerminatedPods: {failed: [a]}", "a Failed deleting", R"(
        status uncounted: {"failed":["a"]}
        untrack a
        status failed: 1)"},
  });
}

TEST(JobCounting, IsDoneForManyAFewHundredAtATime) {
  std::string pods;
  for (int i = 0; i < 700; ++i) pods += fmt::format("p{:03} Succeeded\n", i);
  const auto count = countJob(jobOf("completions: 700", "", ""), podsOf(pods), {}, kNow);
  const auto progress = decideJobProgress(count, {}, kNow);
  EXPECT_EQ(progress.untrack.size(), 500u);
  EXPECT_FALSE(progress.verdict) << "the others are to be counted before";
}

// A refused finalizer stays on the list.
TEST(JobCounting, CountsOnlyWhatWasLetGo) {
  const auto job = jobOf("completions: 2, parallelism: 0", "", "");
  const auto progress = decideJobProgress(countJob(job, podsOf("a Succeeded\nb Succeeded"), {}, kNow), {}, kNow);
  const auto end = decideJobEnd(job, progress.status, progress, {"a"}, kNow);
  EXPECT_EQ(renderStatus(end.status),
            "succeeded: 1, uncounted: {\"succeeded\":[\"b\"]} SuccessCriteriaMet=True CompletionsReached");
  EXPECT_TRUE(end.events.empty());
}

// Pods that should be gone may be there yet.
TEST(JobCounting, TellsNoEndWhileSomethingIsRefused) {
  const auto job = jobOf("completions: 3, backoffLimit: 0", "", "");
  const auto count = countJob(job, podsOf("a Failed\nb Running"), {}, kNow);
  const auto progress = decideJobProgress(count, {.created = 0, .removed = {}, .complete = false}, kNow);
  EXPECT_EQ(renderStatus(progress.status), "active: 1, uncounted: {\"failed\":[\"a\"]}");
  EXPECT_FALSE(progress.verdict);
}

// -- suspension
// --------------------------------------------------------------------------------------------------------

TEST(JobSuspension, EndsPodsThatAreNoFailuresAndStartsTheClockAnew) {
  expectRounds({
      {"before it has begun", "completions: 1, suspend: true", "startTime: null", "", R"(
        status Suspended=True JobSuspended
        Normal Suspended: Job suspended)"},
      {"while it runs", "completions: 1, suspend: true, activeDeadlineSeconds: 1", "", "a Running ready", R"(
        let go and remove a
        status terminating: 1 Suspended=True JobSuspended
        Normal Suspended: Job suspended)"},
      {"and nothing is told twice", "completions: 1, suspend: true",
       "conditions: [{type: Suspended, status: 'True', reason: JobSuspended, message: Job suspended}]", "",
       "status Suspended=True JobSuspended"},
      {"it goes on", "completions: 1",
       "conditions: [{type: Suspended, status: 'True', reason: JobSuspended, message: Job suspended}]", "", R"(
        create 1
        status startTime: 2026-01-01T00:10:00Z, active: 1 Suspended=False JobResumed
        Normal Resumed: Job resumed)"},
  });
}

// -- replacement
// -------------------------------------------------------------------------------------------------------

TEST(JobReplacement, WaitsForTheEndWhereItIsToldTo) {
  expectRounds({
      {"at once, as a failure", "completions: 1", "", "a Running deleting", R"(
        again in 5 s
        status terminating: 1, uncounted: {"failed":["a"]}
        untrack a
        status terminating: 1, failed: 1)"},
      {"only once it has ended", "completions: 1, podReplacementPolicy: Failed", "", "a Running deleting",
       "status terminating: 1"},
      {"an index, too", "completionMode: Indexed, completions: 3, parallelism: 2, podReplacementPolicy: Failed", "",
       "a Running deleting @0", R"(
        create @1
        status active: 1, terminating: 1)"},
  });
}

// -- one pod
// -----------------------------------------------------------------------------------------------------------

TEST(JobPod, OfAnIndexKnowsIt) {
  const auto job = Job(objectOf(R"(
apiVersion: batch/v1
kind: Job
metadata: {name: sum, namespace: ns, uid: j1}
spec:
  completionMode: Indexed
  backoffLimitPerIndex: 3
  template:
    metadata: {labels: {job-name: sum}, annotations: {note: x}}
    spec:
      restartPolicy: Never
      initContainers: [{name: i, env: [{name: JOB_COMPLETION_INDEX, value: mine}]}]
      containers: [{name: a, image: b}]
)"));
  const auto pod = jobPod(job, {.index = 7, .failures = {.counted = 2, .ignored = 1}});
  EXPECT_TRUE(json::equal(pod, json::parseYaml(R"(
apiVersion: v1
kind: Pod
metadata:
  generateName: sum-7-
  namespace: ns
  labels: {job-name: sum, batch.kubernetes.io/job-completion-index: '7'}
  annotations:
    note: x
    batch.kubernetes.io/job-completion-index: '7'
    batch.kubernetes.io/job-index-failure-count: '2'
    batch.kubernetes.io/job-index-ignored-failure-count: '1'
  finalizers: [batch.kubernetes.io/job-tracking]
  ownerReferences: [{apiVersion: batch/v1, kind: Job, name: sum, uid: j1, controller: true, blockOwnerDeletion: true}]
spec:
  hostname: sum-7
  restartPolicy: Never
  initContainers: [{name: i, env: [{name: JOB_COMPLETION_INDEX, value: mine}]}]
  containers:
  - name: a
    image: b
    env:
    - {name: JOB_COMPLETION_INDEX, valueFrom: {fieldRef: {fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']"}}}
)"))) << json::renderYaml(pod);
}

TEST(JobPod, OfALongNameKeepsItsIndex) {
  const auto job = Job(objectOf(
      fmt::format("{{metadata: {{name: {}, namespace: ns}}, spec: {{template: {{}}}}}}", std::string(60, 'x'))));
  const auto pod = jobPod(job, {.index = 123, .failures = {}});
  EXPECT_EQ(json::getString(pod, "metadata.generateName"), std::string(53, 'x') + "-123-");
}

// -- its time after the end
// ----------------------------------------------------------------------------------------------

TEST(TtlAfterFinished, BeginsWithTheEnd) {
  const auto expires = [](std::string_view spec, std::string_view conditions) {
    const auto at = expiresAt(jobOf(spec, fmt::format("conditions: [{}]", conditions), ""));
    return at ? meta::formatTime(*at) : "";
  };
  const char* const kComplete = "{type: Complete, status: 'True', lastTransitionTime: '2026-01-01T00:05:00Z'}";
  const char* const kFailed = "{type: Failed, status: 'True', lastTransitionTime: '2026-01-01T00:05:00Z'}";
  EXPECT_EQ(expires("ttlSecondsAfterFinished: 60", kComplete), "2026-01-01T00:06:00Z");
  EXPECT_EQ(expires("ttlSecondsAfterFinished: 0", kFailed), "2026-01-01T00:05:00Z");
  EXPECT_EQ(expires("", kComplete), "");
  EXPECT_EQ(expires("ttlSecondsAfterFinished: 60", ""), "");
}

}  // namespace
}  // namespace wherry::controllers
