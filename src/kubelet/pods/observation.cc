#include "kubelet/pods/observation.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "kubelet/pods/rejection.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstDelay{10};
constexpr seconds kMaxDelay{300};
constexpr std::chrono::minutes kHealthyRun{10};

seconds doubled(seconds delay) { return std::min(delay * 2, kMaxDelay); }

bool ranWell(const ContainerRecord& ended) {
  if (!ended.startedAt || !ended.finishedAt) return false;
  // One that could not be started shows the epoch as its start, and has not run since then.
  return *ended.finishedAt - std::max(*ended.startedAt, ended.createdAt) >= kHealthyRun;
}

// KEP-5307: a container's own rules come before its restartPolicy, and that before the pod's.
bool ruleMatches(const core_v1::ContainerRestartRule& rule, int exitCode) {
  bool listed = false;
  for (const json::Value& value : rule.exitCodes().values()) {
    listed = listed || (value.is_int64() && value.get_int64() == exitCode);
  }
  return rule.exitCodes().operator_() == (listed ? "In" : "NotIn");
}

bool initDone(const core_v1::Container& container, const Observation& seen) {
  const ContainerRecord* record = seen.latest(container.name());
  if (!record || record->sandboxAttempt != seen.sandboxAttempt) return false;
  if (kindOf(container) == ContainerKind::kSidecar) return seen.isStarted(*record);
  return record->state() == ContainerRecord::State::kExited && record->exitCode == 0;
}

}  // namespace

Failure Failure::next(const std::optional<Failure>& before, std::string reason, std::string message,
                      base::WallTime now) {
  return {std::move(reason), std::move(message), now, before ? doubled(before->delay) : kFirstDelay};
}

const ContainerRecord* Observation::latest(std::string_view name) const {
  const ContainerRecord* found = nullptr;
  for (const ContainerRecord& record : containers) {
    if (record.name == name && (!found || record.attempt > found->attempt)) found = &record;
  }
  return found;
}

const ContainerRecord* Observation::previous(std::string_view name) const {
  const ContainerRecord* newest = latest(name);
  const ContainerRecord* found = nullptr;
  for (const ContainerRecord& record : containers) {
    bool older = record.name == name && record.attempt < newest->attempt;
    if (older && (!found || record.attempt > found->attempt)) found = &record;
  }
  return found;
}

bool Observation::isUp(const ContainerRecord& record) const {
  return record.state() == ContainerRecord::State::kRunning && !postStart.contains(record.id());
}

bool Observation::isStarted(const ContainerRecord& record) const {
  if (!isUp(record)) return false;
  auto verdict = probes.find(record.id());
  return verdict == probes.end() || verdict->second.started;
}

std::string specHashOf(const core_v1::Container& container) {
  return fmt::format("{:016x}", base::fnv1a64(fmt::format("{}\n{}", container.name(), container.image())));
}

bool willRestart(const core_v1::Pod& pod, const core_v1::Container& container, const ContainerRecord& ended) {
  if (ended.kind == ContainerKind::kEphemeral) return false;
  if (ended.specHash != specHashOf(container)) return true;
  if (ended.kind == ContainerKind::kSidecar) return true;
  if (ended.kind == ContainerKind::kInit && ended.exitCode == 0) return false;
  for (auto rule : container.restartPolicyRules()) {
    if (rule.action() == "Restart" && ruleMatches(rule, ended.exitCode)) return true;
  }
  std::string_view policy = container.restartPolicy();
  if (policy.empty()) policy = pod.spec().restartPolicy();
  if (policy == "Never") return false;
  return policy != "OnFailure" || ended.exitCode != 0;
}

base::WallTime restartAt(const ContainerRecord& ended) {
  base::WallTime end = ended.finishedAt.value_or(ended.createdAt);
  return ranWell(ended) ? end : end + ended.crashDelay;
}

seconds nextCrashDelay(const ContainerRecord& ended) {
  return ranWell(ended) || ended.crashDelay == seconds(0) ? kFirstDelay : doubled(ended.crashDelay);
}

bool isInitialized(const core_v1::Pod& pod, const Observation& seen) {
  // Once a regular container has run in this sandbox, init containers had their turn.
  for (const ContainerRecord& record : seen.containers) {
    if (record.kind == ContainerKind::kRegular && record.sandboxAttempt == seen.sandboxAttempt) return true;
  }
  for (auto container : pod.spec().initContainers()) {
    if (!initDone(container, seen)) return false;
  }
  return true;
}

std::optional<base::WallTime> deadlineOf(const core_v1::Pod& pod) {
  if (!pod.spec().hasActiveDeadlineSeconds()) return std::nullopt;
  auto started = meta::parseTime(pod.status().startTime());
  if (!started) return std::nullopt;
  return *started + seconds(pod.spec().activeDeadlineSeconds());
}

Outcome outcomeOf(const core_v1::Pod& pod, const Observation& seen) {
  if (pod.status().phase() == "Succeeded") return Outcome::kSucceeded;
  if (pod.status().phase() == "Failed") {
    return pod.status().reason() == "DeadlineExceeded" ? Outcome::kDeadlineExceeded : Outcome::kFailed;
  }
  if (seen.end) return Outcome::kGivenUp;
  if (seen.containers.empty() && rejectionOf(pod)) return Outcome::kRejected;
  if (auto deadline = deadlineOf(pod); deadline && seen.now >= *deadline) return Outcome::kDeadlineExceeded;
  for (auto container : pod.spec().initContainers()) {
    const ContainerRecord* record = seen.latest(container.name());
    bool failed = record && record->kind == ContainerKind::kInit &&
                  record->state() == ContainerRecord::State::kExited && record->exitCode != 0;
    if (failed && !willRestart(pod, container, *record)) return Outcome::kFailed;
  }
  bool allWell = true;
  for (auto container : pod.spec().containers()) {
    const ContainerRecord* record = seen.latest(container.name());
    if (!record || record->state() != ContainerRecord::State::kExited) return Outcome::kNone;
    if (willRestart(pod, container, *record)) return Outcome::kNone;
    allWell = allWell && record->exitCode == 0;
  }
  if (pod.spec().containers().empty()) return Outcome::kNone;
  return allWell ? Outcome::kSucceeded : Outcome::kFailed;
}

}  // namespace wherry::kubelet
