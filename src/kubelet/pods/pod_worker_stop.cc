// The part of a pod's worker that ends containers and takes back what the pod had.
#include <chrono>
#include <filesystem>
#include <thread>

#include <fmt/format.h>
#include <signal.h>

#include "base/fault_point.h"
#include "kubelet/logs/container_logs.h"
#include "kubelet/pods/pod_worker.h"
#include "kubelet/probes/lifecycle_hook.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// DESIGN section 1.2: the only wait between the node's parts, and its bound.
constexpr milliseconds kDrainTime{200};
constexpr milliseconds kAcceptTime{2};  // to look again whether a server has accepted what came to it

// Until nobody is sent to the pod any more, and its servers have taken in those that were: one that ends resets the
// connections that it has not accepted.
void drainPod(const PodWorkersOptions& options, const std::string& podUid, const std::string& apiUid,
              const std::stop_token& stop) {
  auto deadline = std::chrono::steady_clock::now() + kDrainTime;
  options.drain.wait(apiUid, kDrainTime, stop);
  while (!stop.stop_requested() && std::chrono::steady_clock::now() < deadline) {
    if (!options.sandboxes.anyUnaccepted(podUid)) return;
    std::this_thread::sleep_for(kAcceptTime);
  }
}

// Its logs go as well then, as upstream's: they may be what filled the disk.
bool isEvicted(const core_v1::Pod& pod, const std::optional<PodEnd>& end) {
  return (end ? end->reason : pod.status().reason()) == "Evicted";
}

}  // namespace

PodWorker::Progress PodWorker::on(const StopContainer& action) {
  auto record = findRecord(action.id);
  if (!record) return Progress::kNone;
  recordEvent(client::Severity::kNormal, "Killing", action.message, fieldPathOf(record->name, record->kind));
  state_->stopping[action.id] = {.killAt = options_.clock.now() + action.grace + kDrainTime, .grace = action.grace};
  if (action.grace == seconds(0)) {
    state_->stopping[action.id].killed = true;
    options_.containers.signal(*record, SIGKILL);
    return Progress::kMade;
  }
  auto container = findContainer(pod_, record->name);
  bool waits = pod_.metadata().deleting() || (container && container->spec.lifecycle().hasPreStop());
  if (waits)
    stopInBackground(*record, action.grace);
  else
    state_->stopping[action.id].ready = true;
  return Progress::kMade;
}

// What comes before the stop signal: out of the endpoints, then preStop. The news that it is over brings the signal.
void PodWorker::stopInBackground(const ContainerRecord& record, seconds grace) {
  auto container = findContainer(pod_, record.name);
  bool deleting = pod_.metadata().deleting();
  const std::string shown = apiUid();
  ProbeTarget target = probeTarget(container ? container->spec : core_v1::Container(), record);
  parts_.background.run(
      [=, pod = pod_, &options = options_, &queue = parts_.queue, inbox = state_->inbox](const std::stop_token& stop) {
        if (deleting) drainPod(options, record.podUid, shown, stop);
        if (auto hook = target.container.lifecycle().preStop()) {
          ProbeAnswer answer = runHook(hook, target, podDescription(pod), grace, stop);
          if (!answer.success && !stop.stop_requested()) {
            options.events.record(*pod.object(), client::Severity::kWarning, "FailedPreStopHook", "PreStopHook failed",
                                  fieldPathOf(record.name, record.kind));
          }
        }
        // A stop of ours cut the hook short: the next start does it all again.
        if (stop.stop_requested()) return;
        inbox->with([&](auto& waiting) {
          waiting.push_back([id = record.id()](PodState& state) {
            auto stopping = state.stopping.find(id);
            if (stopping != state.stopping.end()) stopping->second.ready = true;
          });
        });
        queue.add(record.podUid);
      });
}

PodWorker::Progress PodWorker::on(const HurryContainer& action) {
  Stopping& stopping = state_->stopping[action.id];
  stopping.grace = action.grace;
  stopping.killAt = std::min(stopping.killAt, options_.clock.now() + action.grace);
  return Progress::kMade;
}

PodWorker::Progress PodWorker::on(const SignalContainer& action) {
  auto record = findRecord(action.id);
  if (record) options_.containers.signal(*record, parseSignal(record->stopSignal).value_or(SIGTERM));
  base::faultPoint("container-signalled");
  Stopping& stopping = state_->stopping[action.id];
  stopping.signalled = true;
  stopping.killAt = std::max(stopping.killAt, options_.clock.now() + kLastCall);
  return Progress::kMade;
}

PodWorker::Progress PodWorker::on(const KillContainer& action) {
  if (auto record = findRecord(action.id)) options_.containers.signal(*record, SIGKILL);
  base::faultPoint("container-killed");
  state_->stopping[action.id].killed = true;
  return Progress::kNone;
}

PodWorker::Progress PodWorker::on(const ReleaseSandbox&) {
  if (!unmountStorage()) return Progress::kNone;
  dropClaims();
  options_.sandboxes.release(uid_);
  if (isEvicted(pod_, state_->end)) removePodLogs(options_.logDir, uid_);
  state_->sandbox.reset();
  state_->prepared = false;
  options_.released();
  return Progress::kMade;
}

PodWorker::Progress PodWorker::on(const DeletePod&) {
  writeStatus(observe());
  base::faultPoint("last-status-written");
  auto key = pod_.key();
  if (!removeEverything()) return Progress::kNone;
  deleted_ = true;
  if (isStatic()) return options_.statics->ended(uid_), Progress::kNone;
  try {
    options_.client.remove(core_v1::Pod::kResource(), key.ns, key.name, {.gracePeriodSeconds = 0, .uid = uid_});
    base::faultPoint("pod-deleted");
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound() && !error.isConflict()) throw;
  }
  return Progress::kNone;
}

bool PodWorker::removeEverything() {
  for (const ContainerRecord& record : options_.containers.list(uid_)) parts_.prober.remove(record.id());
  options_.containers.removeAll(uid_);
  base::faultPoint("containers-removed");
  removePodLogs(options_.logDir, uid_);
  base::faultPoint("pod-logs-removed");
  if (!unmountStorage()) return false;
  dropClaims();
  options_.sandboxes.remove(uid_);  // last: what the next start finds of the pod tells it to clear all this
  state_->forget();
  options_.released();
  return true;
}

}  // namespace wherry::kubelet
