#include "kubelet/pods/pod_worker.h"

#include <chrono>
#include <variant>

#include <fmt/format.h>

#include "base/fault_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/patch.h"
#include "kubelet/csi/csi_volumes.h"
#include "kubelet/pods/pod_holdings.h"
#include "kubelet/pods/rejection.h"
#include "kubelet/static/static_manifest.h"
#include "kubelet/volumes/object_uses.h"

namespace wherry::kubelet {
namespace {

using std::chrono::milliseconds;

// Each round does something that only a few can follow; more would be a circle.
constexpr int kMaxRounds = 16;

const base::Log& kubeletLog() {
  static const base::Log log("kubelet");
  return log;
}

// Fields that a status may have no more.
constexpr const char* kOptionalFields[] = {"reason", "message", "initContainerStatuses", "ephemeralContainerStatuses"};

}  // namespace

std::optional<ContainerRecord> PodWorker::findRecord(const std::string& id) const {
  for (const ContainerRecord& record : options_.containers.list(uid_)) {
    if (record.id() == id) return record;
  }
  return std::nullopt;
}

PodFacts PodWorker::facts() const {
  PodFacts facts = options_.facts;
  facts.podIp = state_->sandbox ? state_->sandbox->ip : "";
  facts.hostIp = options_.node.ip;
  return facts;
}

void PodWorker::recordEvent(client::Severity severity, std::string_view reason, std::string message,
                            std::string_view fieldPath) const {
  options_.events.record(*pod_.object(), severity, reason, std::move(message), fieldPath);
}

Observation PodWorker::observe() {
  options_.containers.observeExits(uid_);
  // Shared processes end with their first one, which may be killed like any other.
  bool mayBeLost = state_->sandbox && state_->sandbox->sharedProcesses;
  if (!state_->looked || mayBeLost) state_->sandbox = options_.sandboxes.find(uid_);
  if (!state_->sandbox) state_->prepared = state_->judged = false;
  // What runs at the first look was not started by this process.
  Launched launched = std::exchange(state_->looked, true) ? Launched::kNow : Launched::kBefore;
  const PodHoldings holdings{options_.containers, options_.sandboxes, options_.storage.paths()};
  Observation seen{.now = options_.clock.now(),
                   .sandbox = state_->sandbox.has_value(),
                   .prepared = state_->prepared,
                   .volumes = !state_->sandbox && holdings.volumes(uid_),
                   .volumesStale = state_->volumesStale || state_->shownOfPod != downwardDigest(pod_),
                   .volumesUntil = state_->tokens.nextRenewal(),
                   .prepareFailure = state_->prepareFailure,
                   .refreshFailure = state_->refreshFailure,
                   .end = state_->end,
                   .containers = options_.containers.list(uid_),
                   .failures = state_->failures};
  if (state_->sandbox) {
    seen.sandboxAttempt = state_->sandbox->attempt;
    seen.podIp = state_->sandbox->ip;
  } else {
    std::vector<std::string> ips;
    for (auto ip : pod_.status().podIPs()) ips.emplace_back(ip.ip());
    seen.podIp = ips.empty() ? std::string(pod_.status().podIP()) : base::join(ips, ",");
  }
  for (const ContainerRecord& record : seen.containers) {
    std::string id = record.id();
    if (record.state() != ContainerRecord::State::kRunning) {
      parts_.prober.remove(id);
      state_->probed.erase(id);
      state_->watched.erase(id);
      state_->stopping.erase(id);
      state_->postStart.erase(id);
      continue;
    }
    watchMonitor(record);
    if (!state_->postStart.contains(id)) startProbes(record, launched);
    if (auto verdict = parts_.prober.find(id)) {
      seen.probes[id] = *verdict;
    }
  }
  seen.stopping = state_->stopping;
  seen.postStart = state_->postStart;
  return seen;
}

void PodWorker::watchMonitor(const ContainerRecord& record) {
  if (!state_->watched.insert(record.id()).second) return;
  base::Fd monitor = options_.containers.openMonitor(record);
  if (!monitor) return parts_.queue.add(uid_);  // it has just ended
  options_.exits.watch(record.id(), std::move(monitor));
}

PodWorker::Progress PodWorker::apply(const Action& action) {
  kubeletLog().debug("pod {}: {}", uid_, describe(action));
  return std::visit([this](const auto& a) { return on(a); }, action);
}

void PodWorker::reconcile() {
  admit();
  noteRejection();
  retryExpansion();
  republishStorage();
  Decision decision;
  for (int round = 0; round < kMaxRounds && !deleted_; ++round) {
    decision = decide(pod_, observe());
    bool again = false;
    for (const Action& action : decision.actions) again = apply(action) == Progress::kMade || again;
    if (!again) break;
  }
  if (deleted_) return;
  Observation seen = observe();
  writeStatus(seen);
  auto wakeAt = decision.wakeAt;
  if (auto storage = storageDeadline()) wakeAt = std::min(wakeAt.value_or(*storage), *storage);
  if (wakeAt) {
    auto delay = std::chrono::ceil<milliseconds>(*wakeAt - options_.clock.now());
    parts_.queue.addAfter(uid_, std::max(delay, milliseconds(1)));
  }
}

// Asked once, of a pod of which nothing is there yet.
void PodWorker::admit() {
  bool begun = state_->looked || pod_.metadata().deleting() || !options_.containers.list(uid_).empty() ||
               options_.sandboxes.find(uid_);
  bool over = pod_.status().phase() == "Failed" || pod_.status().phase() == "Succeeded";
  if (begun || over || state_->end) return;  // given up already
  state_->end = options_.refuse(pod_);
  if (!state_->end) return;
  recordEvent(client::Severity::kWarning, state_->end->reason, state_->end->message);
  state_->end->message = "Pod was rejected: " + state_->end->message;
}

void PodWorker::noteRejection() const {
  bool known = pod_.status().phase() == "Failed" || !options_.containers.list(uid_).empty();
  auto rejection = known ? std::nullopt : rejectionOf(pod_);
  if (rejection) recordEvent(client::Severity::kWarning, rejection->reason, rejection->message);
}

PodWorker::Progress PodWorker::on(const NoteBackOff& action) {
  if (!state_->backOffNoted.insert(action.id).second) return Progress::kNone;
  auto container = findContainer(pod_, action.name);
  if (!container) return Progress::kNone;
  recordEvent(client::Severity::kWarning, "BackOff",
              fmt::format("Back-off restarting failed container {} in pod {}", action.name, podDescription(pod_)),
              fieldPathOf(action.name, container->kind));
  return Progress::kNone;
}

PodWorker::Progress PodWorker::on(const ForgetContainer& action) {
  if (auto record = findRecord(action.id)) options_.containers.remove(*record);
  state_->backOffNoted.erase(action.id);
  return Progress::kNone;
}

void PodWorker::writeStatus(const Observation& seen) {
  json::Object status = renderPodStatus(pod_, seen, options_.node);
  const json::Value* now = pod_.field("status");
  for (const char* name : kOptionalFields) {
    bool stale = !status.contains(name) && now && now->is_object() && now->get_object().contains(name);
    if (stale) status[name] = nullptr;
  }
  json::Value after = now ? *now : json::Value(json::Object{});
  json::applyMergePatch(after, status);
  if (now && json::equal(after, *now)) return;
  const std::string shown = apiUid();
  if (shown.empty()) return;
  json::Object patch{{"metadata", json::Object{{"uid", shown}}}, {"status", std::move(status)}};
  try {
    auto key = pod_.key();
    auto written = options_.client.patch(core_v1::Pod::kResource(), key.ns, key.name, client::PatchType::kMerge, patch,
                                         {.subresource = "status"});
    base::faultPoint("status-written");
    state_->pod = shown == uid_ ? written : podShownBy(*written, uid_);
    pod_ = core_v1::Pod(state_->pod);
  } catch (const meta::StatusError& error) {
    // It is gone, or another pod has its name; the informer will say so.
    if (!error.isNotFound() && !error.isConflict()) throw;
  }
}

}  // namespace wherry::kubelet
