// Turns counters of CPU time into rates, from one call to the next: nothing is sampled in between. Safe from any
// thread.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/guarded.h"

namespace wherry::kubelet {

struct CpuRate {
  std::chrono::nanoseconds window{0};
  uint64_t nanocores = 0;  // the average over it
};

class CpuRates {
 public:
  // The average since the latest earlier call that is 1 s to 5 min ago; without one since `startedAt`.
  CpuRate rate(const std::string& key, uint64_t cpuNanos, base::WallTime startedAt, base::WallTime now);
  // Drops what was not asked for since the last forget().
  void forget();

 private:
  struct Sample {
    base::WallTime at;
    uint64_t cpuNanos = 0;
  };
  struct Samples {
    std::optional<Sample> older, newer;
    bool asked = true;
  };
  base::Guarded<std::map<std::string, Samples>> samples_;
};

}  // namespace wherry::kubelet
