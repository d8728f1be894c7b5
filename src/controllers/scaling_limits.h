// How fast a HorizontalPodAutoscaler may follow its metrics: stabilization windows, scaling policies, and the least and
// most replicas. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "meta/conditions.h"
#include "views/autoscaling_v2.h"

namespace wherry::controllers {

// What an autoscaler has wanted and done lately; nothing older than any of its windows remains.
struct ScalingHistory {
  struct Entry {
    int64_t replicas = 0;
    base::WallTime at{};
  };
  std::vector<Entry> recommended;  // before any limit
  std::vector<Entry> added, removed;
};

struct LimitedReplicas {
  int64_t replicas = 0;
  meta::Condition ableToScale;     // whether what was wanted lately holds it back
  meta::Condition scalingLimited;  // whether a limit does
};
// `desired` is noted in `history`.
LimitedReplicas limitReplicas(const autoscaling_v2::HorizontalPodAutoscaler& autoscaler, int64_t current,
                              int64_t desired, ScalingHistory& history, base::WallTime now);

void noteRescale(const autoscaling_v2::HorizontalPodAutoscaler& autoscaler, int64_t before, int64_t after,
                 ScalingHistory& history, base::WallTime now);

}  // namespace wherry::controllers
