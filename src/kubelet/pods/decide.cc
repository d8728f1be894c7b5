#include "kubelet/pods/decide.h"

#include <algorithm>

#include <fmt/format.h>

namespace wherry::kubelet {
namespace {

using std::chrono::seconds;
using State = ContainerRecord::State;

constexpr seconds kDefaultGrace{30};

class Planner {
 public:
  Planner(const core_v1::Pod& pod, const Observation& seen) : pod_(pod), seen_(seen) {}

  Decision plan() {
    if (auto deadline = deadlineOf(pod_)) wake(*deadline);
    bool ending = pod_.metadata().deleting() || outcomeOf(pod_, seen_) != Outcome::kNone;
    if (ending)
      planEnd();
    else
      planLife();
    forgetOldAttempts();
    return std::move(decision_);
  }

 private:
  void act(Action action) { decision_.actions.push_back(std::move(action)); }

  void wake(base::WallTime at) {
    if (at <= seen_.now) return;
    if (!decision_.wakeAt || at < *decision_.wakeAt) decision_.wakeAt = at;
  }

  // None is left only to a deletion that wants it so.
  seconds grace() const {
    if (pod_.metadata().deleting()) return seconds(pod_.metadata().deletionGracePeriodSeconds());
    if (seen_.end && seen_.end->grace) return *seen_.end->grace;
    return std::max(seconds(pod_.spec().terminationGracePeriodSecondsOr(kDefaultGrace.count())), kLastCall);
  }

  void planEnd() {
    bool anyRun = false;
    for (const ContainerRecord& record : seen_.containers) {
      if (record.state() != State::kRunning) continue;
      anyRun = true;
      end(record, grace(), "Stopping container " + record.name, hasTurn(record));
    }
    if (anyRun) return;
    if (pod_.metadata().deleting())
      act(DeletePod{});
    else if (seen_.sandbox || seen_.volumes)
      act(ReleaseSandbox{});
  }

  bool runs(std::string_view name) const {
    const ContainerRecord* record = seen_.latest(name);
    return record && record->state() == State::kRunning;
  }

  // Sidecars serve the others to the end: they get their signals after all regular containers and all later sidecars
  // have ended (KEP-753). Their hooks need not wait.
  bool hasTurn(const ContainerRecord& record) const {
    if (record.kind != ContainerKind::kSidecar) return true;
    for (auto container : pod_.spec().containers()) {
      if (runs(container.name())) return false;
    }
    bool later = false;
    for (auto container : pod_.spec().initContainers()) {
      if (later && kindOf(container) == ContainerKind::kSidecar && runs(container.name())) return false;
      later = later || container.name() == record.name;
    }
    return true;
  }

  void end(const ContainerRecord& record, seconds grace, std::string message, bool itsTurn = true) {
    auto found = seen_.stopping.find(record.id());
    if (found == seen_.stopping.end()) return act(StopContainer{record.id(), grace, std::move(message)});
    const Stopping& stopping = found->second;
    if (stopping.killed) return;
    if (grace > seconds(0) && grace < stopping.grace) return act(HurryContainer{record.id(), grace});
    base::WallTime killAt = grace > seconds(0) ? stopping.killAt : seen_.now;
    if (seen_.end && seen_.end->until) killAt = std::min(killAt, *seen_.end->until + kLastCall);
    bool over = seen_.now >= killAt;
    bool signal = !stopping.signalled && grace > seconds(0) && ((stopping.ready && itsTurn) || over);
    if (signal) return act(SignalContainer{record.id()});
    if (over) return act(KillContainer{record.id()});
    wake(killAt);
  }

  void planLife() {
    if (!seen_.prepared) return planPreparation();
    planRefresh();
    planEphemerals();
    if (planInit()) planRegulars();
  }

  // Nothing waits for it: what can't be had leaves the volumes as they are.
  void planRefresh() {
    bool old = seen_.volumesUntil && seen_.now >= *seen_.volumesUntil;
    if (seen_.volumesUntil) wake(*seen_.volumesUntil);
    if (!old && !seen_.volumesStale) return;
    const auto& failure = seen_.refreshFailure;
    if (!failure || seen_.now >= failure->retryAt()) return act(RefreshVolumes{});
    wake(failure->retryAt());
  }

  // The containers are seen to when it is done.
  void planPreparation() {
    bool old = false;
    if (!seen_.sandbox) {
      for (const ContainerRecord& record : seen_.containers) {
        if (record.state() != State::kRunning) continue;
        old = true;
        end(record, seconds(0), "Pod sandbox changed, it will be killed and re-created.");
      }
    }
    if (old) return;
    if (seen_.prepareFailure && seen_.now < seen_.prepareFailure->retryAt())
      return wake(seen_.prepareFailure->retryAt());
    act(Prepare{});
  }

  // One after the other; true when regular containers may run.
  bool planInit() {
    bool initialized = isInitialized(pod_, seen_);
    for (auto container : pod_.spec().initContainers()) {
      ContainerKind kind = kindOf(container);
      if (initialized && kind == ContainerKind::kInit) continue;
      const ContainerRecord* record = current(container);
      bool ended = record && record->state() == State::kExited;
      if (kind == ContainerKind::kInit && ended && record->exitCode == 0) continue;
      planContainer(container, kind);
      bool goesOn = kind == ContainerKind::kSidecar && (initialized || (record && seen_.isStarted(*record)));
      if (!goesOn) return initialized;
    }
    return true;
  }

  // Each is started once, whatever the others do: they are for finding out what is wrong (KEP-277).
  void planEphemerals() {
    for (const PodContainer& container : containersOf(pod_)) {
      bool due = container.kind == ContainerKind::kEphemeral && !seen_.latest(container.spec.name());
      if (due) start(container.spec, {.name = std::string(container.spec.name()), .kind = container.kind});
    }
  }

  void planRegulars() {
    bool held = false;
    for (auto container : pod_.spec().containers()) {
      const ContainerRecord* record = seen_.latest(container.name());
      bool runs = record && record->state() == State::kRunning;
      if (runs || !held) planContainer(container, ContainerKind::kRegular);
      // Who has a postStart hook holds back those that stand after it until the hook is over, or it can't be started.
      bool comes = container.lifecycle().hasPostStart() && !seen_.failures.contains(std::string(container.name()));
      held = held || (comes && (record ? runs && !seen_.isUp(*record) : true));
    }
  }

  // The newest attempt; one that ended in an earlier sandbox counts no more for an init container.
  const ContainerRecord* current(const core_v1::Container& container) const {
    const ContainerRecord* record = seen_.latest(container.name());
    bool stale = record && record->kind == ContainerKind::kInit && record->sandboxAttempt != seen_.sandboxAttempt;
    return stale ? nullptr : record;
  }

  void planContainer(const core_v1::Container& container, ContainerKind kind) {
    const ContainerRecord* record = seen_.latest(container.name());
    if (!record) return start(container, {.name = std::string(container.name()), .kind = kind});
    if (record->state() == State::kRunning) return planRunning(container, *record);
    StartContainer next{record->name, record->attempt + 1, kind, nextCrashDelay(*record)};
    bool otherImage = record->specHash != specHashOf(container);
    if (!current(container) || otherImage) return start(container, next);
    if (!willRestart(pod_, container, *record)) return;
    if (seen_.now >= restartAt(*record)) return start(container, next);
    act(NoteBackOff{record->id(), record->name});
    wake(restartAt(*record));
  }

  void start(const core_v1::Container& container, StartContainer action) {
    auto failure = seen_.failures.find(std::string(container.name()));
    if (failure != seen_.failures.end() && seen_.now < failure->second.retryAt()) {
      const Failure& failed = failure->second;
      // ErrImagePull turns into ImagePullBackOff half way.
      wake(failed.since + failed.delay / 2);
      wake(failed.retryAt());
      return;
    }
    act(std::move(action));
  }

  void planRunning(const core_v1::Container& container, const ContainerRecord& record) {
    if (seen_.stopping.contains(record.id())) return end(record, grace(), {});
    auto hook = seen_.postStart.find(record.id());
    if (hook != seen_.postStart.end() && hook->second.failed) return end(record, grace(), "FailedPostStartHook");
    if (record.specHash != specHashOf(container)) {
      return end(record, grace(), fmt::format("Container {} definition changed, will be restarted", record.name));
    }
    auto verdict = seen_.probes.find(record.id());
    if (verdict == seen_.probes.end() || verdict->second.failed.empty()) return;
    const std::string& kind = verdict->second.failed;
    auto probe = kind == "startup" ? container.startupProbe() : container.livenessProbe();
    seconds time(probe.terminationGracePeriodSecondsOr(grace().count()));
    end(record, time, fmt::format("Container {} failed {} probe, will be restarted", record.name, kind));
  }

  // The newest attempt and the one before are shown and have logs.
  void forgetOldAttempts() {
    for (const ContainerRecord& record : seen_.containers) {
      const ContainerRecord* newest = seen_.latest(record.name);
      if (record.attempt + 1 < newest->attempt && record.state() == State::kExited) act(ForgetContainer{record.id()});
    }
  }

  const core_v1::Pod& pod_;
  const Observation& seen_;
  Decision decision_;
};

struct Describe {
  std::string operator()(const Prepare&) const { return "prepare"; }
  std::string operator()(const RefreshVolumes&) const { return "refresh volumes"; }
  std::string operator()(const StartContainer& a) const {
    return fmt::format("start {}, attempt {}", a.name, a.attempt);
  }
  std::string operator()(const StopContainer& a) const {
    return fmt::format("stop {} within {} s: {}", a.id, a.grace.count(), a.message);
  }
  std::string operator()(const HurryContainer& a) const {
    return fmt::format("hurry {} to {} s", a.id, a.grace.count());
  }
  std::string operator()(const SignalContainer& a) const { return "signal " + a.id; }
  std::string operator()(const KillContainer& a) const { return "kill " + a.id; }
  std::string operator()(const ForgetContainer& a) const { return "forget " + a.id; }
  std::string operator()(const NoteBackOff& a) const { return "back off " + a.name; }
  std::string operator()(const ReleaseSandbox&) const { return "release sandbox"; }
  std::string operator()(const DeletePod&) const { return "delete pod"; }
};

}  // namespace

Decision decide(const core_v1::Pod& pod, const Observation& seen) { return Planner(pod, seen).plan(); }

std::string describe(const Action& action) { return std::visit(Describe{}, action); }

std::string podDescription(const core_v1::Pod& pod) {
  auto metadata = pod.metadata();
  return fmt::format("{}_{}({})", metadata.name(), metadata.ns(), metadata.uid());
}

}  // namespace wherry::kubelet
