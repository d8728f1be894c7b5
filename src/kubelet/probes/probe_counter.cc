#include "kubelet/probes/probe_counter.h"

#include <algorithm>

namespace wherry::kubelet {

bool ProbeCounter::add(bool success, const core_v1::Probe& probe) {
  successes = success ? successes + 1 : 0;
  failures = success ? 0 : failures + 1;
  ProbeResult before = verdict;
  if (successes >= probe.successThresholdOr(1)) verdict = ProbeResult::kSuccess;
  if (failures >= probe.failureThresholdOr(3)) verdict = ProbeResult::kFailure;
  return verdict != before;
}

ProbeTimes timesOf(const core_v1::Probe& probe) {
  auto atLeastOne = [](int64_t value) { return std::chrono::seconds(std::max<int64_t>(value, 1)); };
  return {std::chrono::seconds(std::max<int64_t>(probe.initialDelaySeconds(), 0)),
          atLeastOne(probe.periodSecondsOr(10)), atLeastOne(probe.timeoutSecondsOr(1))};
}

std::chrono::milliseconds firstProbeAfter(const ProbeTimes& times, std::chrono::milliseconds running, double share) {
  using std::chrono::milliseconds;
  milliseconds delay(times.initialDelay);
  milliseconds rest = std::clamp(delay - running, milliseconds(0), delay);
  return rest + std::chrono::duration_cast<milliseconds>(times.period * share);
}

base::MonotonicTime nextProbe(base::MonotonicTime due, const ProbeTimes& times, base::MonotonicTime now) {
  base::MonotonicTime next = due + times.period > now ? due + times.period : now + times.period;
  auto sinceRound = next.time_since_epoch() % kProbeRound;
  return sinceRound == sinceRound.zero() ? next : next + (kProbeRound - sinceRound);
}

}  // namespace wherry::kubelet
