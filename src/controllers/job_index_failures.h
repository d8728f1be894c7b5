// How often an index of a Job with backoffLimitPerIndex has failed: its pods' annotations count it from pod to pod
// (KEP-3850). Pure.
#pragma once

#include <cstdint>

#include "controllers/job_backoff.h"
#include "views/batch_v1.h"
#include "views/core_v1.h"

namespace wherry::controllers {

inline constexpr const char* kIndexFailureCount = "batch.kubernetes.io/job-index-failure-count";
inline constexpr const char* kIndexIgnoredFailureCount = "batch.kubernetes.io/job-index-ignored-failure-count";

struct IndexFailures {
  int64_t counted = 0;
  int64_t ignored = 0;  // by the podFailurePolicy; they delay the next attempt all the same
};
IndexFailures failuresBefore(const core_v1::Pod& pod);                              // as it was made
IndexFailures failuresAfter(const batch_v1::Job& job, const core_v1::Pod& failed);  // its own among them

// When the index of this failed pod is tried again; nothing when it is at once.
std::optional<base::WallTime> indexRetryAt(const core_v1::Pod& failed, base::WallTime now);

// No further attempt.
bool failsIndex(const batch_v1::Job& job, const core_v1::Pod& pod);

}  // namespace wherry::controllers
