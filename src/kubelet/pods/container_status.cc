#include <fmt/format.h>

#include "kubelet/images/reference.h"
#include "kubelet/pods/decide.h"
#include "kubelet/pods/pod_status.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

using State = ContainerRecord::State;

std::string containerId(const ContainerRecord& record) { return "crun://" + record.id(); }

json::Object waiting(std::string_view reason, std::string_view message = {}) {
  json::Object inner{{"reason", reason}};
  if (!message.empty()) inner["message"] = message;
  return {{"waiting", std::move(inner)}};
}

json::Object running(const ContainerRecord& record) {
  return {{"running", json::Object{{"startedAt", meta::formatTime(*record.startedAt)}}}};
}

json::Object terminated(const ContainerRecord& record) {
  json::Object inner{{"exitCode", record.exitCode}, {"reason", record.reason}};
  if (!record.message.empty()) inner["message"] = record.message;
  if (record.startedAt) inner["startedAt"] = meta::formatTime(*record.startedAt);
  inner["finishedAt"] = meta::formatTime(*record.finishedAt);
  inner["containerID"] = containerId(record);
  return {{"terminated", std::move(inner)}};
}

// A failed pull shows its reason first, then that it waits.
json::Object failed(const Failure& failure, std::string_view image, base::WallTime now) {
  bool pull = failure.reason == "ErrImagePull";
  if (!pull || now < failure.since + failure.delay / 2) return waiting(failure.reason, failure.message);
  return waiting("ImagePullBackOff",
                 fmt::format("Back-off pulling image \"{}\": ErrImagePull: {}", image, failure.message));
}

class ContainerStatus {
 public:
  ContainerStatus(const core_v1::Pod& pod, const core_v1::Container& container, ContainerKind kind,
                  const Observation& seen)
      : pod_(pod), container_(container), kind_(kind), seen_(seen), record_(seen.latest(container.name())) {}

  json::Object render() const {
    json::Object out{{"name", container_.name()},
                     {"state", state()},
                     {"lastState", lastState()},
                     {"ready", isReady()},
                     {"restartCount", record_ ? record_->attempt : 0},
                     {"image", imageName()},
                     {"imageID", record_ ? record_->imageId : ""}};
    if (record_ && record_->state() != State::kCreated) out["containerID"] = containerId(*record_);
    if (kind_ != ContainerKind::kEphemeral) out["started"] = isStarted();
    return out;
  }

 private:
  bool isRunning() const { return record_ && seen_.isUp(*record_); }
  bool isStarting() const { return record_ && record_->state() == State::kRunning && !isRunning(); }
  bool isEnded() const { return record_ && record_->state() == State::kExited; }

  // It has ended and something will be tried again.
  bool isBetweenAttempts() const {
    bool podEnds = pod_.metadata().deleting() || outcomeOf(pod_, seen_) != Outcome::kNone;
    return isEnded() && !podEnds && willRestart(pod_, container_, *record_);
  }

  json::Object state() const {
    if (isRunning()) return running(*record_);
    if (isStarting()) return starting();
    if (isEnded() && !isBetweenAttempts()) return terminated(*record_);
    auto failure = seen_.failures.find(std::string(container_.name()));
    if (failure != seen_.failures.end()) return failed(failure->second, container_.image(), seen_.now);
    if (isBetweenAttempts() && seen_.now < restartAt(*record_)) return crashLoop();
    if (isBetweenAttempts()) return terminated(*record_);
    return creating();
  }

  json::Object creating() const {
    return waiting(pod_.spec().initContainers().empty() ? "ContainerCreating" : "PodInitializing");
  }

  json::Object starting() const {
    const PostStart& hook = seen_.postStart.at(record_->id());
    return hook.failed ? waiting("PostStartHookError", hook.message) : creating();
  }

  json::Object crashLoop() const {
    auto seconds = record_->crashDelay.count();
    std::string delay = seconds < 60 ? fmt::format("{}s", seconds) : fmt::format("{}m{}s", seconds / 60, seconds % 60);
    return waiting("CrashLoopBackOff", fmt::format("back-off {} restarting failed container={} pod={}", delay,
                                                   container_.name(), podDescription(pod_)));
  }

  json::Object lastState() const {
    if (isEnded() && state().contains("waiting")) return terminated(*record_);
    const ContainerRecord* before = record_ ? seen_.previous(container_.name()) : nullptr;
    return before && before->state() == State::kExited ? terminated(*before) : json::Object{};
  }

  bool isStarted() const { return record_ && seen_.isStarted(*record_); }

  bool isReady() const {
    if (kind_ == ContainerKind::kEphemeral) return false;
    if (kind_ == ContainerKind::kInit) return isEnded() && record_->exitCode == 0;
    if (!isRunning()) return false;
    auto verdict = seen_.probes.find(record_->id());
    return verdict == seen_.probes.end() || verdict->second.ready;
  }

  std::string imageName() const {
    auto reference = ImageReference::parse(container_.image());
    bool had = record_ && !record_->imageId.empty();
    return had && reference ? reference->text() : std::string(container_.image());
  }

  const core_v1::Pod& pod_;
  const core_v1::Container& container_;
  ContainerKind kind_;
  const Observation& seen_;
  const ContainerRecord* record_;
};

}  // namespace

json::Object renderContainerStatus(const core_v1::Pod& pod, const core_v1::Container& container, ContainerKind kind,
                                   const Observation& seen) {
  return ContainerStatus(pod, container, kind, seen).render();
}

}  // namespace wherry::kubelet
