#include "controllers/pod_state.h"

#include "meta/time.h"

namespace wherry::controllers {

namespace {

core_v1::PodCondition readyCondition(const core_v1::Pod& pod) {
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition;
  }
  return {};
}

}  // namespace

bool isTerminal(const core_v1::Pod& pod) {
  const auto phase = pod.status().phase();
  return phase == "Succeeded" || phase == "Failed";
}

bool isActive(const core_v1::Pod& pod) { return !isTerminal(pod) && !pod.metadata().deleting(); }

bool isReady(const core_v1::Pod& pod) { return readyCondition(pod).status() == "True"; }

std::optional<base::WallTime> readySince(const core_v1::Pod& pod) {
  const auto condition = readyCondition(pod);
  if (condition.status() != "True") return std::nullopt;
  return meta::parseTime(condition.lastTransitionTime());
}

bool isAvailable(const core_v1::Pod& pod, int64_t minReadySeconds, base::WallTime now) {
  if (!isReady(pod)) return false;
  if (minReadySeconds == 0) return true;
  const auto since = readySince(pod);
  return since && *since + std::chrono::seconds(minReadySeconds) <= now;
}

std::optional<base::WallTime> availableAt(const core_v1::Pod& pod, int64_t minReadySeconds, base::WallTime now) {
  const auto since = readySince(pod);
  if (!since || isAvailable(pod, minReadySeconds, now)) return std::nullopt;
  return *since + std::chrono::seconds(minReadySeconds);
}

}  // namespace wherry::controllers
