#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"
#include "kubelet/images/reference.h"
#include "kubelet/pods/decide.h"
#include "kubelet/pods/pod_status.h"
#include "kubelet/volumes/volumes.h"
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

// All last words of a pod together are bounded.
constexpr size_t kMaxMessages = 12 << 10;

json::Object terminated(const core_v1::Pod& pod, const ContainerRecord& record) {
  json::Object inner{{"exitCode", record.exitCode}, {"reason", record.reason}};
  size_t share = kMaxMessages / std::max<size_t>(containersOf(pod).size(), 1);
  if (!record.message.empty()) inner["message"] = base::toUtf8(record.message.substr(0, share));
  if (record.startedAt) inner["startedAt"] = meta::formatTime(*record.startedAt);
  inner["finishedAt"] = meta::formatTime(*record.finishedAt);
  inner["containerID"] = containerId(record);
  return {{"terminated", std::move(inner)}};
}

// A failed pull shows its reason first, then that it waits.
json::Object failed(const Failure& failure, std::string_view image, base::WallTime now) {
  bool pull = isFailedPull(failure.reason);
  if (!pull || now < failure.since + failure.delay / 2) return waiting(failure.reason, failure.message);
  return waiting("ImagePullBackOff",
                 fmt::format("Back-off pulling image \"{}\": {}: {}", image, failure.reason, failure.message));
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
    if (kind_ != ContainerKind::kEphemeral) {
      out["started"] = isStarted();
      addResources(out);
    }
    addUser(out);
    addMounts(out);
    return out;
  }

 private:
  // What the node has set aside, and what it holds the container to: what its spec says.
  void addResources(json::Object& out) const {
    if (!record_ || record_->state() == State::kCreated) return;
    const json::Value* resources = container_.field("resources");
    out["resources"] = resources && resources->is_object() ? *resources : json::Value(json::Object{});
    const json::Object& requests = container_.resources().requests().tree();
    if (!requests.empty()) out["allocatedResources"] = requests;
  }

  // KEP-3619.
  void addUser(json::Object& out) const {
    if (!record_ || record_->user.empty()) return;
    json::Value user = record_->user;
    json::Array groups{json::getInt(user, "gid")};
    if (const json::Value* more = json::find(user, "additionalGids"); more && more->is_array()) {
      for (const json::Value& gid : more->get_array()) {
        if (std::find(groups.begin(), groups.end(), gid) == groups.end()) groups.push_back(gid);
      }
    }
    out["user"] = json::Object{{"linux", json::Object{{"gid", json::getInt(user, "gid")},
                                                      {"supplementalGroups", std::move(groups)},
                                                      {"uid", json::getInt(user, "uid")}}}};
  }

  // KEP-3857: submounts of a read-only mount may be written to, unless the user says otherwise.
  void addMounts(json::Object& out) const {
    json::Array mounts;
    for (auto mount : container_.volumeMounts()) {
      json::Object entry{{"name", mount.name()}, {"mountPath", mount.mountPath()}};
      if (mount.readOnly()) {
        entry["readOnly"] = true;
        entry["recursiveReadOnly"] = isRecursivelyReadOnly(mount) ? "Enabled" : "Disabled";
      }
      mounts.push_back(std::move(entry));
    }
    if (!mounts.empty()) out["volumeMounts"] = std::move(mounts);
  }

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
    if (isEnded() && !isBetweenAttempts()) return terminated(pod_, *record_);
    auto failure = seen_.failures.find(std::string(container_.name()));
    if (failure != seen_.failures.end()) return failed(failure->second, container_.image(), seen_.now);
    if (isBetweenAttempts() && seen_.now < restartAt(*record_)) return crashLoop();
    if (isBetweenAttempts()) return terminated(pod_, *record_);
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
    if (isEnded() && state().contains("waiting")) return terminated(pod_, *record_);
    const ContainerRecord* before = record_ ? seen_.previous(container_.name()) : nullptr;
    return before && before->state() == State::kExited ? terminated(pod_, *before) : json::Object{};
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
