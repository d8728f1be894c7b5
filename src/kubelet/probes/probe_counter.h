// Counts what a probe answers against its thresholds. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"
#include "views/core_v1.h"

namespace wherry::kubelet {

enum class ProbeResult { kUnknown, kSuccess, kFailure };

struct ProbeCounter {
  int successes = 0;  // in a row
  int failures = 0;
  // What the probe has said so far, thresholds counted.
  ProbeResult verdict = ProbeResult::kUnknown;

  // Takes one answer; true when the verdict changed.
  bool add(bool success, const core_v1::Probe& probe);
};

struct ProbeTimes {
  std::chrono::seconds initialDelay{0};
  std::chrono::seconds period{10};
  std::chrono::seconds timeout{1};
};
ProbeTimes timesOf(const core_v1::Probe& probe);

// How long after now the first probe of a container is due that has run for so long. `share`, from 0 up to 1, is the
// part of a period that it waits beyond that: 0 for a container that has just started, random for those that are found
// running, which would all be probed in one instant otherwise.
std::chrono::milliseconds firstProbeAfter(const ProbeTimes& times, std::chrono::milliseconds running, double share);

// Probes after the first meet at these moments, whichever container they are of: one waking serves all of a round.
constexpr std::chrono::milliseconds kProbeRound{25};

// When the next probe is due, after one that was due and has been answered by now: a period later, at a round's moment.
// One that took longer than its period leaves out those it has missed.
base::MonotonicTime nextProbe(base::MonotonicTime due, const ProbeTimes& times, base::MonotonicTime now);

}  // namespace wherry::kubelet
