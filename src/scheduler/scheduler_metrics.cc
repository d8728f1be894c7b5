#include "scheduler/scheduler_metrics.h"

#include <string>
#include <string_view>

#include "scheduler/scheduler.h"

namespace wherry::scheduler {
namespace {

using base::metrics::Counter;
using base::metrics::Family;
using base::metrics::Gauge;
using base::metrics::Histogram;

constexpr double kAttemptSeconds[] = {0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128,
                                      0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384};
constexpr double kWaitSeconds[] = {0.01,  0.02,  0.04,  0.08,  0.16,   0.32,   0.64,   1.28,    2.56,    5.12,
                                   10.24, 20.48, 40.96, 81.92, 163.84, 327.68, 655.36, 1310.72, 2621.44, 5242.88};

struct Families {
  Family<Counter> attempts{
      "scheduler_schedule_attempts_total", "Attempts to give a pod a node.", {"result", "profile"}};
  Family<Histogram> attemptDuration{"scheduler_scheduling_attempt_duration_seconds",
                                    "How long attempts took, with the binding.",
                                    {"result", "profile"},
                                    kAttemptSeconds};
  Family<Histogram> waited{"scheduler_pod_scheduling_sli_duration_seconds",
                           "How long pods waited for their node since they were first seen.",
                           {"attempts"},
                           kWaitSeconds};
  Family<Gauge> pending{"scheduler_pending_pods", "Pods that wait for a node.", {"queue"}};
};

Families& families() {
  static Families all;
  return all;
}

std::string_view textOf(Attempt result) {
  switch (result) {
    case Attempt::kScheduled:
      return "scheduled";
    case Attempt::kUnschedulable:
      return "unschedulable";
    case Attempt::kError:
      return "error";
  }
  return {};
}

double inSeconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }

void addDifference(std::string_view queue, size_t before, size_t now) {
  families().pending.with({queue}).add(static_cast<int64_t>(now) - static_cast<int64_t>(before));
}

}  // namespace

void countAttempt(Attempt result, std::chrono::nanoseconds took) {
  families().attempts.with({textOf(result), kSchedulerName}).add();
  families().attemptDuration.with({textOf(result), kSchedulerName}).observe(inSeconds(took));
}

void countScheduled(std::chrono::nanoseconds waited, unsigned attempts) {
  constexpr unsigned kMostLabels = 15;
  std::string label = attempts < kMostLabels ? std::to_string(attempts) : std::to_string(kMostLabels) + "+";
  families().waited.with({label}).observe(inSeconds(waited));
}

void PendingGauge::show(const PendingCounts& now) {
  if (now == shown_) return;
  addDifference("active", shown_.active, now.active);
  addDifference("backoff", shown_.backoff, now.backoff);
  addDifference("unschedulable", shown_.unschedulable, now.unschedulable);
  addDifference("gated", shown_.gated, now.gated);
  shown_ = now;
}

std::vector<const base::metrics::FamilyBase*> schedulerFamilies() {
  auto& all = families();
  return {&all.attempts, &all.attemptDuration, &all.waited, &all.pending};
}

}  // namespace wherry::scheduler
