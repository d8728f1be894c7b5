// The part of a pod's worker that ends containers and takes back what the pod had.
#include <condition_variable>
#include <filesystem>
#include <mutex>

#include <fmt/format.h>
#include <signal.h>

#include "kubelet/pods/pod_worker.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// DESIGN section 1.2: the only wait between the node's parts, and its bound.
constexpr milliseconds kDrainTime{200};

void sleepUntilStopped(seconds time, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, std::move(stop), time, [] { return false; });
}

ProbeAnswer runPreStop(const core_v1::LifecycleHandler& hook, const ProbeTarget& target, seconds grace,
                       const std::stop_token& stop) {
  if (hook.hasExec()) return probeExec(hook.exec(), target, grace);
  if (hook.hasHttpGet()) return probeHttp(hook.httpGet(), target, grace);
  if (hook.hasSleep()) sleepUntilStopped(std::min(seconds(hook.sleep().seconds()), grace), stop);
  return {true, {}};
}

void removePodLogs(const std::string& dataDir, const std::string& uid) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(dataDir + "/logs", error)) {
    if (entry.path().filename().string().ends_with("_" + uid)) std::filesystem::remove_all(entry.path(), error);
  }
}

}  // namespace

PodWorker::Progress PodWorker::on(const StopContainer& action) {
  auto record = findRecord(action.id);
  if (!record) return Progress::kNone;
  auto container = findContainer(record->name);
  std::string fieldPath = container ? fieldPathOf(*container, record->kind) : "";
  recordEvent(client::Severity::kNormal, "Killing", action.message, fieldPath);
  state_->stopping[action.id] = {options_.clock.now() + action.grace + kDrainTime, false};
  if (action.grace == seconds(0)) {
    state_->stopping[action.id].killed = true;
    options_.containers.signal(*record, SIGKILL);
    return Progress::kMade;
  }
  stopInBackground(*record, action.grace);
  return Progress::kMade;
}

// Out of the endpoints, preStop, the stop signal; what comes after is the deadline's matter.
void PodWorker::stopInBackground(const ContainerRecord& record, seconds grace) {
  auto container = findContainer(record.name);
  bool deleting = pod_.metadata().deleting();
  ProbeTarget target = probeTarget(container.value_or(core_v1::Container()), record);
  parts_.background.run([=, uid = uid_, pod = pod_, &options = options_](const std::stop_token& stop) {
    if (deleting) options.drain.wait(uid, kDrainTime, stop);
    auto hook = target.container.lifecycle().preStop();
    if (hook) {
      ProbeAnswer answer = runPreStop(hook, target, grace, stop);
      if (!answer.success) {
        options.events.record(*pod.object(), client::Severity::kWarning, "FailedPreStopHook",
                              fmt::format("PreStopHook failed: {}", answer.output),
                              fieldPathOf(target.container, record.kind));
      }
    }
    // A stop of ours cut the hook short: the next start does it all again.
    if (!stop.stop_requested()) options.containers.signal(record, parseSignal(record.stopSignal).value_or(SIGTERM));
  });
}

PodWorker::Progress PodWorker::on(const KillContainer& action) {
  if (auto record = findRecord(action.id)) options_.containers.signal(*record, SIGKILL);
  state_->stopping[action.id].killed = true;
  return Progress::kNone;
}

PodWorker::Progress PodWorker::on(const ReleaseSandbox&) {
  options_.sandboxes.release(uid_, options_.containers.crun().cgroups());
  state_->sandbox.reset();
  state_->prepared = false;
  return Progress::kMade;
}

PodWorker::Progress PodWorker::on(const DeletePod&) {
  writeStatus(observe());
  auto key = pod_.key();
  removeEverything();
  deleted_ = true;
  try {
    options_.client.remove(core_v1::Pod::kResource(), key.ns, key.name, {.gracePeriodSeconds = 0, .uid = uid_});
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound() && !error.isConflict()) throw;
  }
  return Progress::kNone;
}

void PodWorker::removeEverything() {
  for (const ContainerRecord& record : options_.containers.list(uid_)) parts_.prober.remove(record.id());
  options_.containers.removeAll(uid_);
  options_.sandboxes.remove(uid_, options_.containers.crun().cgroups());
  removePodLogs(options_.dataDir, uid_);
  state_->forget();
}

}  // namespace wherry::kubelet
