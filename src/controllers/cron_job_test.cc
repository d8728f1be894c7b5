#include "controllers/cron_job.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controllers/test_objects.h"
#include "meta/time.h"
#include "meta/time_zone_test_data.h"

namespace wherry::controllers {
namespace {

using batch_v1::CronJob;
using batch_v1::Job;

CronJob cronJobOf(std::string_view spec, std::string_view status) {
  return CronJob(objectOf(fmt::format(R"(
apiVersion: batch/v1
kind: CronJob
metadata: {{name: backup, namespace: ns, uid: c1, creationTimestamp: '2026-01-01T00:00:00Z'}}
spec:
  {}
  jobTemplate:
    metadata: {{labels: {{a: b}}, annotations: {{note: x}}}}
    spec: {{template: {{spec: {{restartPolicy: Never}}}}}}
status: {{{}}}
)",
                                      spec, status)));
}

// Jobs in short hand, one a line: "a" runs; "b Complete 00:03" or "b Failed 00:03" has ended at 00:04 after that start.
std::vector<Job> jobsOf(std::string_view lines) {
  std::vector<Job> jobs;
  for (const auto line : base::split(lines, '\n')) {
    const auto words = base::split(base::trim(line), ' ');
    if (words[0].empty()) continue;
    const std::string ended =
        words.size() < 3
            ? ""
            : fmt::format("startTime: '2026-01-01T{}:00Z', conditions: [{{type: {}, status: 'True'}}]{}", words[2],
                          words[1], words[1] == "Complete" ? ", completionTime: '2026-01-01T00:04:00Z'" : "");
    jobs.emplace_back(objectOf(
        fmt::format("{{metadata: {{name: {0}, uid: {0}, namespace: ns}}, status: {{{1}}}}}", words[0], ended)));
  }
  return jobs;
}

std::string namesOf(const std::vector<Job>& jobs) {
  std::string names;
  for (const auto& job : jobs) names += fmt::format(" {}", job.metadata().name());
  return names;
}

// At 00:10 o'clock.
std::string round(const CronJob& cronJob, const std::vector<Job>& jobs,
                  const std::optional<meta::TimeZone>& zone = meta::TimeZone()) {
  const auto actions = decideCronJob(cronJob, jobs, zone, kNow);
  std::string text;
  if (!actions.cleanUp.empty()) text += fmt::format("clean up{}\n", namesOf(actions.cleanUp));
  if (!actions.replace.empty()) text += fmt::format("replace{}\n", namesOf(actions.replace));
  if (actions.start) {
    text += fmt::format("start {} for {}\n", cronJobJobName(cronJob, *actions.start), meta::formatTime(*actions.start));
  }
  for (const auto& event : actions.events) {
    text += fmt::format("{} {}: {}\n", event.warning ? "Warning" : "Normal", event.reason, event.message);
  }
  if (!json::equal(json::Value(actions.status), json::Value(cronJob.status().tree()))) {
    text += fmt::format("status {}\n", json::serialize(actions.status));
  }
  return text + fmt::format("next {}\n", actions.next ? meta::formatTime(*actions.next) : "never");
}

struct Case {
  const char* name;
  const char* spec;
  const char* status;
  const char* jobs;
  const char* expected;
};

void expectRounds(const std::vector<Case>& cases) {
  for (const auto& each : cases) {
    std::string expected;
    for (const auto line : base::split(each.expected, '\n')) {
      if (!base::trim(line).empty()) expected += std::string(base::trim(line)) + "\n";
    }
    EXPECT_EQ(round(cronJobOf(each.spec, each.status), jobsOf(each.jobs)), expected) << each.name;
  }
}

TEST(CronJob, StartsAJobWhenItIsDue) {
  expectRounds({
      {"not yet", "schedule: '30 * * * *'", "", "", "next 2026-01-01T00:30:00Z"},
      {"now", "schedule: '*/10 * * * *'", "", "", R"(
        start backup-29453770 for 2026-01-01T00:10:00Z
        next 2026-01-01T00:20:00Z)"},
      {"of several that were missed, the latest", "schedule: '*/3 * * * *'", "lastScheduleTime: '2026-01-01T00:00:00Z'",
       "",
       R"(
        start backup-29453769 for 2026-01-01T00:09:00Z
        next 2026-01-01T00:12:00Z)"},
      {"not twice for one time", "schedule: '*/10 * * * *'", "lastScheduleTime: '2026-01-01T00:10:00Z'", "",
       "next 2026-01-01T00:20:00Z"},
      {"every so often, from its beginning", "schedule: '@every 4m'", "", "", R"(
        start backup-29453768 for 2026-01-01T00:08:00Z
        next 2026-01-01T00:12:00Z)"},
      {"never", "schedule: '0 0 31 2 *'", "", "", "next never"},
      {"not while it is suspended", "schedule: '* * * * *'\n  suspend: true", "", "", "next never"},
      {"missed, but still in time", "schedule: '8 * * * *'\n  startingDeadlineSeconds: 200", "", "", R"(
        start backup-29453768 for 2026-01-01T00:08:00Z
        next 2026-01-01T01:08:00Z)"},
      {"missed, and too late", "schedule: '8 * * * *'\n  startingDeadlineSeconds: 60", "", "",
       "next 2026-01-01T01:08:00Z"},
      {"far too many missed", "schedule: '* * * * *'", "lastScheduleTime: '2025-12-01T00:00:00Z'", "", R"(
        start backup-29453770 for 2026-01-01T00:10:00Z
        Warning TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew
        next 2026-01-01T00:11:00Z)"},
      {"but not of those that would be too late anyway", "schedule: '* * * * *'\n  startingDeadlineSeconds: 200",
       "lastScheduleTime: '2025-12-01T00:00:00Z'", "", R"(
        start backup-29453770 for 2026-01-01T00:10:00Z
        next 2026-01-01T00:11:00Z)"},
      {"a schedule that comes in bursts", "schedule: '0-1 0 1 1 *'", "lastScheduleTime: '2025-01-01T00:01:00Z'", "", R"(
        start backup-29453761 for 2026-01-01T00:01:00Z
        next 2027-01-01T00:00:00Z)"},
      {"what can't be read", "schedule: nonsense", "", "", R"(
        Warning UnparseableSchedule: unparseable schedule: "nonsense" : expected exactly 5 fields, found 1: [nonsense]
        next never)"},
  });
}

TEST(CronJob, MindsThoseThatStillRun) {
  const char* const kRuns =
      "lastScheduleTime: '2026-01-01T00:09:00Z', active: [{kind: Job, name: backup-29453769, uid: backup-29453769}]";
  expectRounds({
      {"one more beside it", "schedule: '* * * * *'", kRuns, "backup-29453769", R"(
        start backup-29453770 for 2026-01-01T00:10:00Z
        next 2026-01-01T00:11:00Z)"},
      {"none beside it", "schedule: '* * * * *'\n  concurrencyPolicy: Forbid", kRuns, "backup-29453769", R"(
        Normal JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid
        next 2026-01-01T00:11:00Z)"},
      {"in its place", "schedule: '* * * * *'\n  concurrencyPolicy: Replace", kRuns, "backup-29453769", R"(
        replace backup-29453769
        start backup-29453770 for 2026-01-01T00:10:00Z
        next 2026-01-01T00:11:00Z)"},
  });
}

TEST(CronJob, KnowsItsJobs) {
  const char* const kActive = "lastScheduleTime: '2026-01-01T00:10:00Z', active: [{name: a, uid: a}]";
  expectRounds({
      {"one has succeeded", "schedule: '*/10 * * * *'", kActive, "a Complete 00:03", R"(
        Normal SawCompletedJob: Saw completed job: a, condition: Complete
        status {"lastScheduleTime":"2026-01-01T00:10:00Z","lastSuccessfulTime":"2026-01-01T00:04:00Z"}
        next 2026-01-01T00:20:00Z)"},
      {"one has failed", "schedule: '*/10 * * * *'", kActive, "a Failed 00:03", R"(
        Normal SawCompletedJob: Saw completed job: a, condition: Failed
        status {"lastScheduleTime":"2026-01-01T00:10:00Z"}
        next 2026-01-01T00:20:00Z)"},
      {"one is gone", "schedule: '*/10 * * * *'", kActive, "", R"(
        Normal MissingJob: Active job went missing: a
        status {"lastScheduleTime":"2026-01-01T00:10:00Z"}
        next 2026-01-01T00:20:00Z)"},
      {"somebody else made one", "schedule: '*/10 * * * *'", kActive, "a\nb", R"(
        Warning UnexpectedJob: Saw a job that the controller did not create or forgot: b
        next 2026-01-01T00:20:00Z)"},
  });
}

TEST(CronJob, KeepsAFewOfThePast) {
  const char* const kPast =
      "s1 Complete 00:01\ns2 Complete 00:02\ns3 Complete 00:03\ns4 Complete 00:00\nf1 Failed 00:02\nf2 Failed 00:01";
  const char* const kStatus = "lastSuccessfulTime: '2026-01-01T00:04:00Z', lastScheduleTime: '2026-01-01T00:10:00Z'";
  expectRounds({
      {"as many as usual", "schedule: '*/10 * * * *'", kStatus, kPast, R"(
        clean up s4 f2
        next 2026-01-01T00:20:00Z)"},
      {"as many as it says", "schedule: '*/10 * * * *'\n  successfulJobsHistoryLimit: 0\n  failedJobsHistoryLimit: 5",
       kStatus, kPast, R"(
        clean up s4 s1 s2 s3
        next 2026-01-01T00:20:00Z)"},
  });
}

TEST(CronJob, GoesByTheClocksOfItsZone) {
  const auto cronJob = cronJobOf("schedule: '10 1 * * *'\n  timeZone: Europe/Berlin", "");
  EXPECT_EQ(round(cronJob, {}, meta::zoneOf("CET-1CEST,M3.5.0,M10.5.0/3")),
            "start backup-29453770 for 2026-01-01T00:10:00Z\nnext 2026-01-02T00:10:00Z\n");
  EXPECT_EQ(round(cronJob, {}, std::nullopt),
            "Warning UnknownTimeZone: invalid timeZone: \"Europe/Berlin\": unknown time zone Europe/Berlin\nnext "
            "never\n");
}

TEST(CronJob, MakesItsJobFromTheTemplate) {
  const auto cronJob = cronJobOf("schedule: '10 1 * * *'\n  timeZone: Europe/Berlin", "");
  const auto job = jobOfCronJob(cronJob, kNow, meta::zoneOf("CET-1CEST,M3.5.0,M10.5.0/3"));
  EXPECT_TRUE(json::equal(job, json::parseYaml(R"(
apiVersion: batch/v1
kind: Job
metadata:
  name: backup-29453770
  namespace: ns
  labels: {a: b}
  annotations: {note: x, batch.kubernetes.io/cronjob-scheduled-timestamp: '2026-01-01T01:10:00+01:00'}
  ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: backup, uid: c1, controller: true, blockOwnerDeletion: true}]
spec: {template: {spec: {restartPolicy: Never}}}
)"))) << json::renderYaml(job);
}

TEST(CronJob, NotesWhatItHasMade) {
  json::Object status;
  addActive(status, jobsOf("backup-7")[0], kNow);
  EXPECT_EQ(
      json::serialize(status),
      R"({"active":[{"kind":"Job","namespace":"ns","name":"backup-7","uid":"backup-7","apiVersion":"batch/v1","resourceVersion":""}],"lastScheduleTime":"2026-01-01T00:10:00Z"})");
}

}  // namespace
}  // namespace wherry::controllers
