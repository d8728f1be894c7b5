// What the scheduler counts about itself, under upstream's names. Safe from any thread, but for PendingGauge.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "base/metrics.h"

namespace wherry::scheduler {

// How one attempt to give a pod a node ended.
enum class Attempt { kScheduled, kUnschedulable, kError };

void countAttempt(Attempt result, std::chrono::nanoseconds took);

// A pod got its node, so long after it was first seen, with the last of so many attempts.
void countScheduled(std::chrono::nanoseconds waited, unsigned attempts);

struct PendingCounts {
  size_t active = 0;         // to be tried now
  size_t backoff = 0;        // the binding failed; tried again at a deadline
  size_t unschedulable = 0;  // no node took it
  size_t gated = 0;
  bool operator==(const PendingCounts&) const = default;
};

// Shows how many pods wait, and none when it goes. Used from one thread at a time.
class PendingGauge {
 public:
  PendingGauge() = default;
  ~PendingGauge() { show({}); }
  PendingGauge(const PendingGauge&) = delete;
  PendingGauge& operator=(const PendingGauge&) = delete;

  void show(const PendingCounts& now);

 private:
  PendingCounts shown_;
};

std::vector<const base::metrics::FamilyBase*> schedulerFamilies();

}  // namespace wherry::scheduler
