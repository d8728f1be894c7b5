#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controllers/cluster.h"
#include "json/yaml.h"
#include "views/batch_v1.h"
#include "views/core_v1.h"

namespace wherry::integration {
namespace {

using batch_v1::CronJob;
using batch_v1::Job;
using core_v1::Pod;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

std::string jobYaml(std::string_view spec) {
  return fmt::format(R"(
apiVersion: batch/v1
kind: Job
metadata: {{name: sum}}
spec:
  template: {{spec: {{restartPolicy: Never, terminationGracePeriodSeconds: 0, containers: [{{name: c, image: i}}]}}}}
  {}
)",
                     spec);
}

// A pod that its Job has just deleted needs no end.
void patchStatus(Cluster& cluster, const meta::Object& pod, const json::Value& status) {
  try {
    cluster.client().patch(Pod::kResource(), "default", pod.metadata().name(), client::PatchType::kStrategic, status,
                           {.subresource = "status"});
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) throw;
  }
}

// Ends all pods that run, as a kubelet would say it.
void endPods(Cluster& cluster, std::string_view phase, int exitCode = 0) {
  for (const auto& object : cluster.list(Pod::kResource(), "default")) {
    if (Pod(object).status().phase() != "Running") continue;
    const auto status = json::parseYaml(fmt::format(
        "{{status: {{phase: {}, containerStatuses: [{{name: c, image: i, imageID: i, ready: false, restartCount: 0, "
        "state: {{terminated: {{exitCode: {}, finishedAt: '2026-01-01T00:00:00Z'}}}}}}]}}}}",
        phase, exitCode));
    patchStatus(cluster, *object, status);
  }
}

Job find(Cluster& cluster) { return Job(cluster.find(Job::kResource(), "default", "sum")); }

std::vector<std::string> trueConditions(const Job& job) {
  std::vector<std::string> types;
  for (const auto condition : job.status().conditions()) {
    if (condition.status() == "True") types.emplace_back(condition.type());
  }
  return types;
}

bool isFinished(Cluster& cluster) {
  for (const auto& type : trueConditions(find(cluster))) {
    if (type == "Complete" || type == "Failed") return true;
  }
  return false;
}

int trackedPods(Cluster& cluster) {
  int count = 0;
  for (const auto& pod : cluster.list(Pod::kResource(), "default")) {
    if (pod->metadata().hasFinalizer("batch.kubernetes.io/job-tracking")) ++count;
  }
  return count;
}

TEST(JobInCluster, RunsUntilAsManyHaveSucceeded) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(jobYaml("completions: 5\n  parallelism: 2"));
  ASSERT_TRUE(cluster.eventually([&] {
    endPods(cluster, "Succeeded");
    return isFinished(cluster);
  }));
  EXPECT_THAT(trueConditions(find(cluster)), ElementsAre("SuccessCriteriaMet", "Complete"));
  EXPECT_EQ(find(cluster).status().succeeded(), 5);
  EXPECT_EQ(cluster.list(Pod::kResource(), "default").size(), 5u);
  EXPECT_EQ(trackedPods(cluster), 0);
}

TEST(JobInCluster, WritesItsStatusFewTimes) {
  Cluster cluster;
  cluster.addNode();
  const int before = cluster.writesOf(Job::kResource());
  cluster.create(jobYaml("completions: 1"));
  ASSERT_TRUE(cluster.eventually([&] {
    endPods(cluster, "Succeeded");
    return isFinished(cluster);
  }));
  // Made; begun; listed as uncounted; counted and complete. Readiness, where it was seen, is one more.
  EXPECT_LE(cluster.writesOf(Job::kResource()) - before, 5);
}

TEST(JobInCluster, OfIndexesRunsEachOnce) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(jobYaml("completionMode: Indexed\n  completions: 4\n  parallelism: 4"));
  ASSERT_TRUE(cluster.eventually([&] {
    endPods(cluster, "Succeeded");
    return isFinished(cluster);
  }));
  EXPECT_EQ(find(cluster).status().completedIndexes(), "0-3");
  std::vector<std::string> indexes;
  for (const auto& pod : cluster.list(Pod::kResource(), "default")) {
    indexes.emplace_back(pod->metadata().label("batch.kubernetes.io/job-completion-index"));
  }
  EXPECT_THAT(indexes, UnorderedElementsAre("0", "1", "2", "3"));
}

TEST(JobInCluster, FailsWhenItsPodsDo) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(jobYaml("backoffLimit: 0\n  parallelism: 3\n  completions: 3"));
  ASSERT_TRUE(cluster.eventually([&] {
    endPods(cluster, "Failed", 1);
    return isFinished(cluster);
  }));
  EXPECT_THAT(trueConditions(find(cluster)), ElementsAre("FailureTarget", "Failed"));
  EXPECT_EQ(find(cluster).status().active(), 0);
  EXPECT_EQ(trackedPods(cluster), 0);
}

TEST(JobInCluster, LetsItsPodsGoWhenItIsDeleted) {
  for (const auto propagation : {client::Propagation::kBackground, client::Propagation::kForeground}) {
    Cluster cluster;
    cluster.addNode();
    cluster.create(jobYaml("parallelism: 2\n  completions: 2"));
    ASSERT_TRUE(cluster.eventually([&] { return find(cluster).status().active() == 2; }));
    cluster.client().remove(Job::kResource(), "default", "sum", {.propagation = propagation});
    EXPECT_TRUE(cluster.eventually([&] {
      return !cluster.find(Job::kResource(), "default", "sum") && cluster.list(Pod::kResource(), "default").empty();
    }));
  }
}

TEST(JobInCluster, LeavesPodsWithoutFinalizersWhenTheyAreOrphaned) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(jobYaml("parallelism: 2\n  completions: 2"));
  ASSERT_TRUE(cluster.eventually([&] { return find(cluster).status().active() == 2; }));
  cluster.client().remove(Job::kResource(), "default", "sum", {.propagation = client::Propagation::kOrphan});
  EXPECT_TRUE(cluster.eventually(
      [&] { return !cluster.find(Job::kResource(), "default", "sum") && trackedPods(cluster) == 0; }));
  EXPECT_EQ(cluster.list(Pod::kResource(), "default").size(), 2u);
}

TEST(JobInCluster, GoesAfterItsTime) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(jobYaml("completions: 1\n  ttlSecondsAfterFinished: 0"));
  EXPECT_TRUE(cluster.eventually([&] {
    endPods(cluster, "Succeeded");
    return !cluster.find(Job::kResource(), "default", "sum");
  }));
}

TEST(JobInCluster, OfAnotherManagerIsLeftAlone) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(jobYaml("managedBy: example.com/mine"));
  cluster.create(
      "{apiVersion: batch/v1, kind: Job, metadata: {name: ours}, spec: {suspend: true, template: {spec: "
      "{restartPolicy: Never, containers: [{name: c, image: i}]}}}}");
  ASSERT_TRUE(cluster.eventually(
      [&] { return Job(cluster.find(Job::kResource(), "default", "ours")).status().conditions().size() == 1; }));
  EXPECT_TRUE(cluster.list(Pod::kResource(), "default").empty());
  EXPECT_TRUE(find(cluster).status().tree().empty());
}

TEST(CronJobInCluster, MakesJobsAndKnowsThem) {
  Cluster cluster;
  cluster.addNode();
  cluster.create(R"(
apiVersion: batch/v1
kind: CronJob
metadata: {name: tick}
spec:
  schedule: "@every 1s"
  concurrencyPolicy: Forbid
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
)");
  const auto cronJob = [&] { return CronJob(cluster.find(CronJob::kResource(), "default", "tick")); };
  ASSERT_TRUE(cluster.eventually([&] { return cronJob().status().active().size() == 1; }));
  EXPECT_FALSE(cronJob().status().lastScheduleTime().empty());
  EXPECT_TRUE(cluster.eventually([&] {
    endPods(cluster, "Succeeded");
    return !cronJob().status().lastSuccessfulTime().empty();
  }));
}

}  // namespace
}  // namespace wherry::integration
