#include "controllers/job_index_failures.h"

#include "base/strings.h"
#include "controllers/job_policies.h"

namespace wherry::controllers {

using batch_v1::Job;
using core_v1::Pod;

namespace {

int64_t countOf(const Pod& pod, const char* annotation) {
  const auto count = base::parseInt<int32_t>(pod.metadata().annotation(annotation));
  return count && *count > 0 ? *count : 0;
}

}  // namespace

IndexFailures failuresBefore(const Pod& pod) {
  return {countOf(pod, kIndexFailureCount), countOf(pod, kIndexIgnoredFailureCount)};
}

IndexFailures failuresAfter(const Job& job, const Pod& failed) {
  IndexFailures failures = failuresBefore(failed);
  ++(judgeFailure(job, failed).counts() ? failures.counted : failures.ignored);
  return failures;
}

std::optional<base::WallTime> indexRetryAt(const Pod& failed, base::WallTime now) {
  const auto before = failuresBefore(failed);
  return retryAt({before.counted + before.ignored + 1, finishedAt(failed)}, now);
}

bool failsIndex(const Job& job, const Pod& pod) {
  if (!hasFailed(job, pod)) return false;
  const auto verdict = judgeFailure(job, pod);
  if (verdict.action == FailureVerdict::Action::kFailIndex) return true;
  return verdict.counts() && failuresBefore(pod).counted >= job.spec().backoffLimitPerIndex();
}

}  // namespace wherry::controllers
