#include "controllers/job_policies.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::controllers {

using batch_v1::Job;
using batch_v1::PodFailurePolicyRule;
using core_v1::ContainerStatus;
using core_v1::Pod;
using Action = FailureVerdict::Action;

namespace {

Action actionOf(const PodFailurePolicyRule& rule) {
  if (rule.action() == "FailJob") return Action::kFailJob;
  if (rule.action() == "FailIndex") return Action::kFailIndex;
  if (rule.action() == "Ignore") return Action::kIgnore;
  return Action::kCount;
}

bool matchesExitCode(const PodFailurePolicyRule& rule, const ContainerStatus& status) {
  const auto terminated = status.state().terminated();
  const auto wanted = rule.onExitCodes();
  if (!terminated || terminated.exitCode() == 0) return false;
  if (wanted.hasContainerName() && wanted.containerName() != status.name()) return false;
  const auto& values = wanted.values();
  const bool listed = std::any_of(values.begin(), values.end(), [&](const json::Value& value) {
    return value.is_int64() && value.get_int64() == terminated.exitCode();
  });
  return listed == (wanted.operator_() == "In");
}

std::optional<ContainerStatus> findExit(const PodFailurePolicyRule& rule, const Pod& pod) {
  for (const auto& statuses : {pod.status().containerStatuses(), pod.status().initContainerStatuses()}) {
    for (const auto status : statuses) {
      if (matchesExitCode(rule, status)) return status;
    }
  }
  return std::nullopt;
}

std::optional<std::string> findCondition(const PodFailurePolicyRule& rule, const Pod& pod) {
  for (const auto condition : pod.status().conditions()) {
    for (const auto pattern : rule.onPodConditions()) {
      const auto status = pattern.hasStatus() ? pattern.status() : "True";
      if (condition.type() == pattern.type() && condition.status() == status) return std::string(condition.type());
    }
  }
  return std::nullopt;
}

// What matched, as the message has it before "matching FailJob rule"; nothing when nothing did.
std::optional<std::string> findMatch(const PodFailurePolicyRule& rule, const Pod& pod) {
  const auto metadata = pod.metadata();
  if (rule.hasOnExitCodes()) {
    const auto status = findExit(rule, pod);
    if (!status) return std::nullopt;
    return fmt::format("Container {} for pod {}/{} failed with exit code {}", status->name(), metadata.ns(),
                       metadata.name(), status->state().terminated().exitCode());
  }
  const auto condition = findCondition(rule, pod);
  if (!condition) return std::nullopt;
  return fmt::format("Pod {}/{} has condition {}", metadata.ns(), metadata.name(), *condition);
}

}  // namespace

// KEP-3329, KEP-3939
bool replacesOnlyFailed(const Job& job) {
  return job.spec().podReplacementPolicy() == "Failed" || job.spec().hasPodFailurePolicy();
}

bool hasFailed(const Job& job, const Pod& pod) {
  if (pod.status().phase() == "Failed") return true;
  return !replacesOnlyFailed(job) && pod.metadata().deleting() && pod.status().phase() != "Succeeded";
}

FailureVerdict judgeFailure(const Job& job, const Pod& failed) {
  size_t index = 0;
  for (const auto rule : job.spec().podFailurePolicy().rules()) {
    if (const auto match = findMatch(rule, failed)) {
      const auto action = actionOf(rule);
      if (action != Action::kFailJob) return {action, ""};
      return {action, fmt::format("{} matching FailJob rule at index {}", *match, index)};
    }
    ++index;
  }
  return {};
}

// KEP-3998
std::optional<std::string> matchSuccessPolicy(const Job& job, const IndexSet& succeeded) {
  if (succeeded.empty()) return std::nullopt;
  size_t index = 0;
  for (const auto rule : job.spec().successPolicy().rules()) {
    const auto enough = [&](int64_t have) { return rule.hasSucceededCount() && have >= rule.succeededCount(); };
    bool met = false;
    if (rule.hasSucceededIndexes()) {
      const auto wanted = IndexSet::parse(rule.succeededIndexes(), job.spec().completions());
      const auto have = wanted.countCommon(succeeded);
      met = !wanted.empty() && (have == wanted.size() || enough(have));
    } else {
      met = enough(succeeded.size());
    }
    if (met) return fmt::format("Matched rules at index {}", index);
    ++index;
  }
  return std::nullopt;
}

}  // namespace wherry::controllers
