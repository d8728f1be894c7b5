// How long a Job waits before it tries again after failures: 10 s, doubled with every failure since the last success,
// 10 minutes at most. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "views/core_v1.h"

namespace wherry::controllers {

// When the pod's work ended, as near as its status says: its containers' end, the end of its readiness, its deletion.
base::WallTime finishedAt(const core_v1::Pod& pod);

struct JobBackoff {
  int64_t failures = 0;  // since the last success
  std::optional<base::WallTime> lastFailure;
};
// `succeeded` and `failed` have ended since `before`, in any order.
JobBackoff nextBackoff(const JobBackoff& before, const std::vector<core_v1::Pod>& succeeded,
                       const std::vector<core_v1::Pod>& failed);

// When the next attempt is due; nothing when it is due at once.
std::optional<base::WallTime> retryAt(const JobBackoff& backoff, base::WallTime now);

}  // namespace wherry::controllers
