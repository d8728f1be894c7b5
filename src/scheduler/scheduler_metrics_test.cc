#include "scheduler/scheduler_metrics.h"

#include <gtest/gtest.h>

#include "base/metrics_test_support.h"

namespace wherry::scheduler {
namespace {

using std::chrono::milliseconds;

double value(const std::string& series) { return base::metrics::valueOf(schedulerFamilies(), series); }

TEST(SchedulerMetrics, CountsAttemptsByTheirResult) {
  countAttempt(Attempt::kScheduled, milliseconds(3));
  countAttempt(Attempt::kUnschedulable, milliseconds(1));
  countAttempt(Attempt::kUnschedulable, milliseconds(1));
  countAttempt(Attempt::kError, milliseconds(1));
  const std::string scheduled = R"({result="scheduled",profile="default-scheduler")";
  EXPECT_EQ(value("scheduler_schedule_attempts_total" + scheduled + "}"), 1);
  EXPECT_EQ(value("scheduler_scheduling_attempt_duration_seconds_bucket" + scheduled + R"(,le="0.002"})"), 0);
  EXPECT_EQ(value("scheduler_scheduling_attempt_duration_seconds_bucket" + scheduled + R"(,le="0.004"})"), 1);
  EXPECT_EQ(value(R"(scheduler_schedule_attempts_total{result="unschedulable",profile="default-scheduler"})"), 2);
  EXPECT_EQ(value(R"(scheduler_schedule_attempts_total{result="error",profile="default-scheduler"})"), 1);
}

TEST(SchedulerMetrics, ManyAttemptsShareALabel) {
  for (unsigned attempts : {1U, 14U, 15U, 1000U}) countScheduled(milliseconds(5), attempts);
  EXPECT_EQ(value(R"(scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"})"), 1);
  EXPECT_EQ(value(R"(scheduler_pod_scheduling_sli_duration_seconds_count{attempts="14"})"), 1);
  EXPECT_EQ(value(R"(scheduler_pod_scheduling_sli_duration_seconds_count{attempts="15+"})"), 2);
}

TEST(SchedulerMetrics, ShowsWhoWaitsNow) {
  {
    PendingGauge gauge;
    gauge.show({.active = 3, .backoff = 1, .unschedulable = 0, .gated = 2});
    gauge.show({.active = 1, .backoff = 1, .unschedulable = 2, .gated = 2});
    EXPECT_EQ(value(R"(scheduler_pending_pods{queue="active"})"), 1);
    EXPECT_EQ(value(R"(scheduler_pending_pods{queue="backoff"})"), 1);
    EXPECT_EQ(value(R"(scheduler_pending_pods{queue="unschedulable"})"), 2);
    EXPECT_EQ(value(R"(scheduler_pending_pods{queue="gated"})"), 2);
  }
  EXPECT_EQ(value(R"(scheduler_pending_pods{queue="gated"})"), 0);
}

}  // namespace
}  // namespace wherry::scheduler
