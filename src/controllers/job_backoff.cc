#include "controllers/job_backoff.h"

#include <algorithm>

#include "meta/time.h"

namespace wherry::controllers {

using base::WallTime;
using core_v1::Pod;

namespace {

constexpr std::chrono::seconds kFirstDelay(10);
constexpr std::chrono::seconds kLongestDelay(600);

bool isSidecar(const Pod& pod, std::string_view name) {
  for (const auto container : pod.spec().initContainers()) {
    if (container.name() == name) return container.restartPolicy() == "Always";
  }
  return false;
}

// Nothing unless all containers have ended. Sidecars end last; other init containers don't count.
std::optional<WallTime> containersFinishedAt(const Pod& pod) {
  std::optional<WallTime> latest;
  const auto hasEnded = [&](const core_v1::ContainerStatus& status) {
    const auto at = meta::parseTime(status.state().terminated().finishedAt());
    if (at) latest = std::max(latest.value_or(*at), *at);
    return at.has_value();
  };
  for (const auto status : pod.status().containerStatuses()) {
    if (!hasEnded(status)) return std::nullopt;
  }
  for (const auto status : pod.status().initContainerStatuses()) {
    if (isSidecar(pod, status.name()) && !hasEnded(status)) return std::nullopt;
  }
  return latest;
}

std::optional<WallTime> notReadySince(const Pod& pod) {
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() == "Ready" && condition.status() == "False") {
      return meta::parseTime(condition.lastTransitionTime());
    }
  }
  return std::nullopt;
}

std::optional<WallTime> deletedAt(const Pod& pod) {
  const auto end = meta::parseTime(pod.metadata().deletionTimestamp());
  if (!end) return std::nullopt;
  return *end - std::chrono::seconds(pod.metadata().deletionGracePeriodSeconds());
}

}  // namespace

WallTime finishedAt(const Pod& pod) {
  for (const auto& at : {containersFinishedAt(pod), notReadySince(pod), deletedAt(pod)}) {
    if (at) return *at;
  }
  return meta::parseTime(pod.metadata().creationTimestamp()).value_or(WallTime{});
}

JobBackoff nextBackoff(const JobBackoff& before, const std::vector<Pod>& succeeded, const std::vector<Pod>& failed) {
  std::optional<WallTime> lastSuccess;
  for (const auto& pod : succeeded) lastSuccess = std::max(lastSuccess.value_or(WallTime::min()), finishedAt(pod));
  JobBackoff backoff = lastSuccess ? JobBackoff{} : before;
  for (const auto& pod : failed) {
    const auto at = finishedAt(pod);
    if (lastSuccess && at <= *lastSuccess) continue;
    ++backoff.failures;
    backoff.lastFailure = std::max(backoff.lastFailure.value_or(at), at);
  }
  return backoff;
}

std::optional<WallTime> retryAt(const JobBackoff& backoff, WallTime now) {
  if (backoff.failures <= 0 || !backoff.lastFailure) return std::nullopt;
  auto delay = kFirstDelay;
  for (int64_t i = 1; i < backoff.failures && delay < kLongestDelay; ++i) delay *= 2;
  const auto at = *backoff.lastFailure + std::min(delay, kLongestDelay);
  return at > now ? std::optional(at) : std::nullopt;
}

}  // namespace wherry::controllers
