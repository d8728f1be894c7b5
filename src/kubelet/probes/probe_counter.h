// Counts what a probe answers against its thresholds. Pure.
#pragma once

#include <chrono>
#include <optional>

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

}  // namespace wherry::kubelet
