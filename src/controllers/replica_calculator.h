// How many replicas a metric asks for: as many as bring the pods' average to its target. Pure.
//
// Pods that are being deleted or have failed are left out. Pods of which nothing is known are taken for what speaks
// against a change: for idle where pods would be added, for fully used where pods would be removed. So are, where pods
// would be added, pods that aren't ready: their use of the CPU is that of starting.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "views/autoscaling_v2.h"
#include "views/core_v1.h"
#include "views/metrics_v1beta1.h"

namespace wherry::controllers {

// How far an average may be from its target without anything being done, as a part of it.
struct Tolerance {
  double down = 0.1;
  double up = 0.1;
};

struct MetricProposal {
  int64_t replicas = 0;
  std::string metricName;  // "cpu resource utilization (percentage of request)"
  json::Value status;      // a MetricStatus
};
// One of the two.
struct MetricOutcome {
  std::optional<MetricProposal> proposal;
  std::string reason;   // FailedGetResourceMetric, ...
  std::string message;  // why there is no proposal
};

// What a metric is calculated from.
struct MetricSamples {
  std::vector<core_v1::Pod> pods;                  // the target's
  std::vector<metrics_v1beta1::PodMetrics> usage;  // of some of them
  int64_t currentReplicas = 0;
  Tolerance tolerance;
};
MetricOutcome computeMetric(const autoscaling_v2::MetricSpec& metric, const MetricSamples& samples, base::WallTime now);

}  // namespace wherry::controllers
