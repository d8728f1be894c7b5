// What workqueues count about themselves, under upstream's names. Safe from any thread.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "base/metrics.h"

namespace wherry::client {

// The series of the queues of one name. Counting looks nothing up.
class WorkqueueMetrics {
 public:
  explicit WorkqueueMetrics(std::string_view queue);

  void countAdd();  // a key that was not waiting
  void countTake(std::chrono::nanoseconds waited);
  void countDone(std::chrono::nanoseconds worked);
  void countRetry();
  void countDropped(size_t keys);  // with the queue, while they waited

 private:
  base::metrics::Counter& adds_;
  base::metrics::Gauge& depth_;
  base::metrics::Histogram& waited_;
  base::metrics::Histogram& worked_;
  base::metrics::Counter& retries_;
};

std::vector<const base::metrics::FamilyBase*> workqueueFamilies();

}  // namespace wherry::client
