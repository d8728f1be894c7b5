// The HorizontalPodAutoscaler controller: sets the replicas of a Deployment, ReplicaSet, StatefulSet or
// ReplicationController so that its pods use as much as is wanted.
//
// Every autoscaler is looked at each 15 s, as upstream does: what pods use is known only when it is asked for. Without
// autoscalers nothing is asked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controllers/controller.h"
#include "controllers/replica_calculator.h"
#include "controllers/scaling_limits.h"
#include "json/value.h"
#include "views/autoscaling_v2.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeHorizontalPodAutoscalerController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

struct AutoscalerEvent {
  bool warning = false;
  std::string reason;
  std::string message;
};

struct AutoscalerDecision {
  std::optional<int64_t> rescaleTo;
  std::string reason;  // of that
  json::Object status;
  std::vector<AutoscalerEvent> events;
};
// `samples`: of the target's pods, `samples.currentReplicas` being its spec.replicas. `rivals`: autoscalers that have
// the same target, this one among them, as "namespace/name".
AutoscalerDecision decideAutoscaler(const autoscaling_v2::HorizontalPodAutoscaler& autoscaler,
                                    std::string_view selector, MetricSamples samples,
                                    const std::vector<std::string>& rivals, ScalingHistory& history,
                                    base::WallTime now);

// status, once the target couldn't be read, was changed, or couldn't be changed.
json::Object statusWithoutTarget(const autoscaling_v2::HorizontalPodAutoscaler& autoscaler, std::string_view why,
                                 base::WallTime now);
json::Object statusAfterRescale(json::Object status, int64_t replicas, base::WallTime now);
json::Object statusAfterRefusal(json::Object status, int64_t replicas, std::string_view why, base::WallTime now);

}  // namespace wherry::controllers
