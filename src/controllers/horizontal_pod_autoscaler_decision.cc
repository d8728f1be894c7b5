#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "controllers/horizontal_pod_autoscaler.h"
#include "meta/quantity.h"
#include "meta/time.h"

namespace wherry::controllers {

using autoscaling_v2::HorizontalPodAutoscaler;
using base::WallTime;

namespace {

// Conditions stand in the order of their names, so that the same ones are the same status.
void setIn(json::Object& status, const meta::Condition& condition, WallTime now) {
  json::Array& conditions = json::ensureArray(status, "conditions");
  meta::setCondition(conditions, condition, meta::formatTime(now));
  std::sort(conditions.begin(), conditions.end(), [](const json::Value& a, const json::Value& b) {
    return json::getString(a, "type") < json::getString(b, "type");
  });
}

void setReplicas(json::Object& status, int64_t current, int64_t desired) {
  if (current == 0) {
    status.erase("currentReplicas");
  } else {
    status["currentReplicas"] = current;
  }
  status["desiredReplicas"] = desired;
}

Tolerance toleranceOf(const HorizontalPodAutoscaler& autoscaler) {
  constexpr double kUsual = 0.1;
  const auto read = [](const autoscaling_v2::HPAScalingRules& rules) {
    const auto quantity = meta::Quantity::parse(rules.tolerance());
    return quantity ? static_cast<double>(quantity->milli()) / 1000 : kUsual;
  };
  const auto behavior = autoscaler.spec().behavior();
  return {.down = read(behavior.scaleDown()), .up = read(behavior.scaleUp())};
}

class Round {
 public:
  Round(const HorizontalPodAutoscaler& autoscaler, MetricSamples samples, ScalingHistory& history, WallTime now)
      : autoscaler_(autoscaler),
        samples_(std::move(samples)),
        current_(samples_.currentReplicas),
        history_(history),
        now_(now) {
    decision_.status = autoscaler.status().tree();
    samples_.tolerance = toleranceOf(autoscaler);
  }

  AutoscalerDecision decide(std::string_view selector, const std::vector<std::string>& rivals) && {
    const auto spec = autoscaler_.spec();
    const auto least = spec.minReplicasOr(1);
    set({"AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale"});
    if (current_ == 0 && least != 0) {
      set({"ScalingActive", "False", "ScalingDisabled",
           "scaling is disabled since the replica count of the target is zero"});
      finish(0, json::Value());
    } else if (current_ > spec.maxReplicas()) {
      rescale(spec.maxReplicas(), "Current number of replicas above Spec.MaxReplicas");
      finish(spec.maxReplicas(), json::Value());
    } else if (current_ < least) {
      rescale(least, "Current number of replicas below Spec.MinReplicas");
      finish(least, json::Value());
    } else if (const auto wrong = checkSelector(selector, rivals); !wrong.reason.empty()) {
      fail(wrong.reason, wrong.message, wrong.message);
    } else {
      followMetrics();
    }
    return std::move(decision_);
  }

 private:
  void set(const meta::Condition& condition) { setIn(decision_.status, condition, now_); }

  void rescale(int64_t replicas, std::string reason) {
    decision_.rescaleTo = replicas;
    decision_.reason = std::move(reason);
  }

  // Without metrics the status has none.
  void finish(int64_t desired, json::Value metrics) {
    setReplicas(decision_.status, current_, desired);
    decision_.status["currentMetrics"] = std::move(metrics);
  }

  struct Wrong {
    std::string reason, message;
  };

  static Wrong checkSelector(std::string_view selector, const std::vector<std::string>& rivals) {
    if (selector.empty()) return {"InvalidSelector", "the HPA target's scale is missing a selector"};
    if (rivals.size() < 2) return {};
    return {"AmbiguousSelector", fmt::format("pods by selector {} are controlled by multiple HPAs: [{}]", selector,
                                             base::join(rivals, " "))};
  }

  void fail(const std::string& reason, const std::string& condition, const std::string& error) {
    set({"ScalingActive", "False", reason, condition});
    setReplicas(decision_.status, current_, autoscaler_.status().desiredReplicas());
    decision_.events.push_back({true, "FailedComputeMetricsReplicas", error});
  }

  // The metric that asks for most decides. One that can't be had only keeps replicas from being removed.
  void followMetrics() {
    std::optional<MetricProposal> best;
    json::Array statuses;
    std::vector<MetricOutcome> failed;
    std::string firstError;
    for (const auto metric : autoscaler_.spec().metrics()) {
      auto outcome = computeMetric(metric, samples_, now_);
      if (!outcome.proposal) {
        if (failed.empty()) firstError = errorOf(metric, outcome);
        decision_.events.push_back({true, outcome.reason, outcome.message});
        failed.push_back(std::move(outcome));
        statuses.push_back(json::Object{{"type", ""}});
        continue;
      }
      statuses.push_back(outcome.proposal->status);
      if (!best || outcome.proposal->replicas > best->replicas) best = std::move(outcome.proposal);
    }
    const auto total = autoscaler_.spec().metrics().size();
    if (!best || (!failed.empty() && best->replicas < current_)) {
      const auto message =
          failed.empty() ? "" : "the HPA was unable to compute the replica count: " + failed.front().message;
      return fail(
          failed.empty() ? "" : failed.front().reason, message,
          fmt::format("invalid metrics ({} invalid out of {}), first error is: {}", failed.size(), total, firstError));
    }
    set({"ScalingActive", "True", "ValidMetricFound",
         fmt::format("the HPA was able to successfully calculate a replica count from {}", best->metricName)});
    limit(*best, std::move(statuses));
  }

  static std::string errorOf(const autoscaling_v2::MetricSpec& metric, const MetricOutcome& outcome) {
    if (metric.type() == "Resource") {
      return fmt::format("failed to get {} resource metric value: {}", metric.resource().name(), outcome.message);
    }
    if (metric.type() == "ContainerResource") {
      return fmt::format("failed to get {} container metric value: {}", metric.containerResource().container(),
                         outcome.message);
    }
    return fmt::format("failed to get {} metric value: {}", base::toLower(metric.type()), outcome.message);
  }

  void limit(const MetricProposal& best, json::Array statuses) {
    const auto limited = limitReplicas(autoscaler_, current_, best.replicas, history_, now_);
    set(limited.ableToScale);
    set(limited.scalingLimited);
    if (limited.replicas != current_) {
      std::string reason;
      if (best.replicas > current_) reason = best.metricName + " above target";
      if (best.replicas < current_) reason = "All metrics below target";
      rescale(limited.replicas, std::move(reason));
    }
    finish(limited.replicas, std::move(statuses));
  }

  const HorizontalPodAutoscaler& autoscaler_;
  MetricSamples samples_;
  int64_t current_;
  ScalingHistory& history_;
  WallTime now_;
  AutoscalerDecision decision_;
};

}  // namespace

AutoscalerDecision decideAutoscaler(const HorizontalPodAutoscaler& autoscaler, std::string_view selector,
                                    MetricSamples samples, const std::vector<std::string>& rivals,
                                    ScalingHistory& history, WallTime now) {
  return Round(autoscaler, std::move(samples), history, now).decide(selector, rivals);
}

json::Object statusWithoutTarget(const HorizontalPodAutoscaler& autoscaler, std::string_view why, WallTime now) {
  json::Object status = autoscaler.status().tree();
  setIn(status,
        {"AbleToScale", "False", "FailedGetScale",
         fmt::format("the HPA controller was unable to get the target's current scale: {}", why)},
        now);
  return status;
}

json::Object statusAfterRescale(json::Object status, int64_t replicas, WallTime now) {
  setIn(status,
        {"AbleToScale", "True", "SucceededRescale",
         fmt::format("the HPA controller was able to update the target scale to {}", replicas)},
        now);
  status["lastScaleTime"] = meta::formatTime(now);
  return status;
}

json::Object statusAfterRefusal(json::Object status, int64_t replicas, std::string_view why, WallTime now) {
  setIn(status,
        {"AbleToScale", "False", "FailedUpdateScale",
         fmt::format("the HPA controller was unable to update the target scale: {}", why)},
        now);
  status["desiredReplicas"] = replicas;
  return status;
}

}  // namespace wherry::controllers
