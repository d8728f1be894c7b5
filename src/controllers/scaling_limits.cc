#include "controllers/scaling_limits.h"

#include <algorithm>
#include <cmath>

namespace wherry::controllers {

using autoscaling_v2::HorizontalPodAutoscaler;
using autoscaling_v2::HPAScalingRules;
using base::WallTime;
using std::chrono::seconds;
using Entries = std::vector<ScalingHistory::Entry>;

namespace {

constexpr int64_t kUsualDownWindow = 300;  // seconds

int64_t minReplicas(const HorizontalPodAutoscaler& autoscaler) { return autoscaler.spec().minReplicasOr(1); }

int64_t downWindow(const HorizontalPodAutoscaler& autoscaler) {
  return autoscaler.spec().behavior().scaleDown().stabilizationWindowSecondsOr(kUsualDownWindow);
}
int64_t upWindow(const HorizontalPodAutoscaler& autoscaler) {
  return autoscaler.spec().behavior().scaleUp().stabilizationWindowSecondsOr(0);
}

void forgetBefore(Entries& entries, WallTime time) {
  std::erase_if(entries, [&](const ScalingHistory::Entry& entry) { return entry.at < time; });
}

int64_t sumSince(const Entries& entries, WallTime time) {
  int64_t sum = 0;
  for (const auto& entry : entries) {
    if (entry.at > time) sum += entry.replicas;
  }
  return sum;
}

int64_t longestPeriod(const HPAScalingRules& rules) {
  int64_t longest = 0;
  for (const auto policy : rules.policies()) longest = std::max(longest, policy.periodSeconds());
  return longest;
}

// Between the least and the most that were wanted within the windows.
int64_t stabilize(const HorizontalPodAutoscaler& autoscaler, int64_t current, int64_t desired,
                  const ScalingHistory& history, WallTime now) {
  int64_t lowest = desired, highest = desired;
  for (const auto& [replicas, at] : history.recommended) {
    if (at > now - seconds(upWindow(autoscaler))) lowest = std::min(lowest, replicas);
    if (at > now - seconds(downWindow(autoscaler))) highest = std::max(highest, replicas);
  }
  // Without behavior nothing holds it back on its way up.
  if (!autoscaler.spec().hasBehavior()) return highest;
  return std::min(std::max(current, lowest), highest);
}

meta::Condition stabilized(bool changed, bool up) {
  if (!changed) return {"AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"};
  if (up) {
    return {"AbleToScale", "True", "ScaleUpStabilized",
            "recent recommendations were lower than current one, applying the lowest recent recommendation"};
  }
  return {"AbleToScale", "True", "ScaleDownStabilized",
          "recent recommendations were higher than current one, applying the highest recent recommendation"};
}

// -- policies -------------------------------------------------------------------------------------------------------

// How many there may be at most (growing) or must be at least.
int64_t policyLimit(const HPAScalingRules& rules, bool up, int64_t current, const ScalingHistory& history,
                    WallTime now) {
  const auto select = rules.selectPolicy();
  if (select == "Disabled") return current;
  std::optional<int64_t> limit;
  for (const auto policy : rules.policies()) {
    const auto since = now - seconds(policy.periodSeconds());
    const auto atStart = current - sumSince(history.added, since) + sumSince(history.removed, since);
    const double share = static_cast<double>(policy.value()) / 100;
    int64_t proposed = atStart + (up ? policy.value() : -policy.value());
    if (policy.type() == "Percent") {
      const double product = static_cast<double>(atStart) * (up ? 1 + share : 1 - share);
      proposed = static_cast<int64_t>(up ? std::ceil(product) : product);
    }
    const bool wantsHigher = up == (select != "Min");
    limit = !limit ? proposed : wantsHigher ? std::max(*limit, proposed) : std::min(*limit, proposed);
  }
  if (!limit) return current;
  return up ? std::max(*limit, current) : std::min(*limit, current);
}

int64_t upLimit(const HorizontalPodAutoscaler& autoscaler, int64_t current, const ScalingHistory& history,
                WallTime now) {
  const auto behavior = autoscaler.spec().behavior();
  if (!behavior) return std::max<int64_t>(2 * current, 4);  // twice as many, or four
  return policyLimit(behavior.scaleUp(), true, current, history, now);
}

int64_t downLimit(const HorizontalPodAutoscaler& autoscaler, int64_t current, const ScalingHistory& history,
                  WallTime now) {
  const auto behavior = autoscaler.spec().behavior();
  if (!behavior) return 0;
  return policyLimit(behavior.scaleDown(), false, current, history, now);
}

struct Limited {
  int64_t replicas;
  const char* reason;
  const char* message;
};

Limited applyLimits(const HorizontalPodAutoscaler& autoscaler, int64_t current, int64_t desired,
                    const ScalingHistory& history, WallTime now) {
  const bool legacy = !autoscaler.spec().hasBehavior();
  if (desired > current || legacy) {
    const auto limit = upLimit(autoscaler, current, history, now);
    const auto most = autoscaler.spec().maxReplicas();
    if (desired > std::min(limit, most)) {
      if (most > limit) {
        return {limit, "ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate"};
      }
      return {most, "TooManyReplicas", "the desired replica count is more than the maximum replica count"};
    }
  }
  if (desired < current || legacy) {
    const auto limit = downLimit(autoscaler, current, history, now);
    const auto least = minReplicas(autoscaler);
    if (desired < std::max(limit, least)) {
      if (least < limit) {
        return {limit, "ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate"};
      }
      return {least, "TooFewReplicas", "the desired replica count is less than the minimum replica count"};
    }
  }
  return {desired, "DesiredWithinRange", "the desired count is within the acceptable range"};
}

}  // namespace

LimitedReplicas limitReplicas(const HorizontalPodAutoscaler& autoscaler, int64_t current, int64_t desired,
                              ScalingHistory& history, WallTime now) {
  // The controller has just begun: what there is was wanted.
  if (history.recommended.empty()) history.recommended.push_back({current, now});
  const auto wanted = stabilize(autoscaler, current, desired, history, now);
  forgetBefore(history.recommended, now - seconds(std::max(upWindow(autoscaler), downWindow(autoscaler))));
  history.recommended.push_back({desired, now});
  const auto limited = applyLimits(autoscaler, current, wanted, history, now);
  return {limited.replicas,
          stabilized(wanted != desired, autoscaler.spec().hasBehavior() && desired >= current),
          {"ScalingLimited", limited.replicas == wanted ? "False" : "True", limited.reason, limited.message}};
}

void noteRescale(const HorizontalPodAutoscaler& autoscaler, int64_t before, int64_t after, ScalingHistory& history,
                 WallTime now) {
  const auto behavior = autoscaler.spec().behavior();
  if (!behavior) return;
  const auto longest = std::max(longestPeriod(behavior.scaleUp()), longestPeriod(behavior.scaleDown()));
  for (auto* entries : {&history.added, &history.removed}) forgetBefore(*entries, now - seconds(longest));
  if (after > before) history.added.push_back({after - before, now});
  if (after < before) history.removed.push_back({before - after, now});
}

}  // namespace wherry::controllers
