#include "scheduler/scheduler.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "base/log.h"
#include "base/random.h"
#include "client/workqueue.h"
#include "meta/persistent_volumes.h"
#include "meta/time.h"
#include "scheduler/cluster_cache.h"
#include "scheduler/cycle.h"
#include "scheduler/pending_pods.h"
#include "scheduler/pod_condition.h"
#include "scheduler/scheduler_metrics.h"
#include "scheduler/volume_needs.h"
#include "views/storage_v1.h"

namespace wherry::scheduler {

namespace {

using core_v1::Node;
using core_v1::Pod;
using meta::ObjectPtr;
using std::chrono::steady_clock;

bool isTerminal(const Pod& pod) { return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed"; }

bool holdsRoom(const Pod& pod) { return pod && !pod.spec().nodeName().empty() && !isTerminal(pod); }

bool isOurs(const Pod& pod) {
  return pod && pod.spec().nodeName().empty() && !isTerminal(pod) && !pod.metadata().deleting() &&
         pod.spec().schedulerName() == kSchedulerName;
}

bool wantsNode(const Pod& pod) { return isOurs(pod) && pod.spec().schedulingGates().empty(); }
bool isGated(const Pod& pod) { return isOurs(pod) && !pod.spec().schedulingGates().empty(); }

// What the informers tell, handed to the scheduler's thread.
class Inbox {
 public:
  struct Change {
    ObjectPtr before;
    ObjectPtr after;
    enum class Of { kPod, kNode, kStorage } of = Of::kPod;
  };

  void push(Change change) {
    std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
    filled_.notify_one();
  }

  void synced(bool ofNode) {
    std::lock_guard lock(mutex_);
    (ofNode ? nodesSynced_ : podsSynced_) = true;
    filled_.notify_one();
  }

  // All there is, waiting for some until `deadline` (none: for ever) unless there is work left. Nothing before both
  // caches are whole.
  std::vector<Change> take(std::optional<steady_clock::time_point> deadline, bool hasWork, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, stop, [&] { return nodesSynced_ && podsSynced_; });
    const auto filled = [&] { return !changes_.empty(); };
    if (!hasWork && deadline) {
      filled_.wait_until(lock, stop, *deadline, filled);
    } else if (!hasWork) {
      filled_.wait(lock, stop, filled);
    }
    return std::exchange(changes_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::vector<Change> changes_;
  bool nodesSynced_ = false;
  bool podsSynced_ = false;
};

// Pods whose binding failed, with the time to try them again.
class Retries {
 public:
  void add(const meta::ObjectKey& key) {
    const auto at = steady_clock::now() + client::retryDelay(failures_[key]++);
    deadlines_.emplace(at, key);
  }
  void forget(const meta::ObjectKey& key) { failures_.erase(key); }

  std::optional<steady_clock::time_point> earliest() const {
    if (deadlines_.empty()) return std::nullopt;
    return deadlines_.begin()->first;
  }
  size_t size() const { return deadlines_.size(); }
  std::vector<meta::ObjectKey> takeDue(steady_clock::time_point now) {
    std::vector<meta::ObjectKey> due;
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      due.push_back(deadlines_.begin()->second);
      deadlines_.erase(deadlines_.begin());
    }
    return due;
  }

 private:
  std::map<meta::ObjectKey, unsigned> failures_;
  std::set<std::pair<steady_clock::time_point, meta::ObjectKey>> deadlines_;
};

// How long and how often it was tried to give pods a node.
class Trials {
 public:
  void begin(const meta::ObjectKey& key) { trials_.try_emplace(key, Trial{steady_clock::now(), 0}); }
  void countAttempt(const meta::ObjectKey& key) {
    if (auto found = trials_.find(key); found != trials_.end()) ++found->second.attempts;
  }
  void succeed(const meta::ObjectKey& key) {
    auto trial = trials_.extract(key);
    if (trial) countScheduled(steady_clock::now() - trial.mapped().start, trial.mapped().attempts);
  }
  void forget(const meta::ObjectKey& key) { trials_.erase(key); }

 private:
  struct Trial {
    steady_clock::time_point start;
    unsigned attempts;
  };
  std::map<meta::ObjectKey, Trial> trials_;
};

class EventDrivenScheduler : public Scheduler {
 public:
  explicit EventDrivenScheduler(SchedulerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent(std::string(kSchedulerName))),
        pods_(context.informers.informer(Pod::kResource())),
        claims_(context.informers.informer(core_v1::PersistentVolumeClaim::kResource())),
        volumes_(context.informers.informer(core_v1::PersistentVolume::kResource())),
        classes_(context.informers.informer(storage_v1::StorageClass::kResource())) {
    pods_.addHandler({.onChange =
                          [this](const ObjectPtr& before, const ObjectPtr& after) {
                            inbox_.push({before, after});
                          },
                      .onSynced = [this] { inbox_.synced(false); },
                      .onRevision = {}});
    context.informers.informer(Node::kResource())
        .addHandler({.onChange =
                         [this](const ObjectPtr& before, const ObjectPtr& after) {
                           inbox_.push({before, after, Inbox::Change::Of::kNode});
                         },
                     .onSynced = [this] { inbox_.synced(true); },
                     .onRevision = {}});
    for (client::Informer* informer : {&claims_, &volumes_, &classes_}) {
      informer->addHandler({.onChange =
                                [this](const ObjectPtr& before, const ObjectPtr& after) {
                                  inbox_.push({before, after, Inbox::Change::Of::kStorage});
                                },
                            .onSynced = {},
                            .onRevision = {}});
    }
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  }

 private:
  void run(std::stop_token stop) {
    bool hasWork = false;
    while (!stop.stop_requested()) {
      for (const auto& change : inbox_.take(retries_.earliest(), hasWork, stop)) {
        take(change);
      }
      for (const auto& key : retries_.takeDue(steady_clock::now())) tryAgain(key);
      gauge_.show({.active = pending_.readyCount(),
                   .backoff = retries_.size(),
                   .unschedulable = pending_.parkedCount(),
                   .gated = gated_.size()});
      const auto pod = pending_.take();
      hasWork = pod.has_value();
      if (pod && !stop.stop_requested()) schedule(*pod);
    }
  }

  void take(const Inbox::Change& change) {
    switch (change.of) {
      case Inbox::Change::Of::kPod:
        return podChanged(Pod(change.before), Pod(change.after));
      case Inbox::Change::Of::kNode:
        return nodeChanged(Node(change.before), Node(change.after));
      case Inbox::Change::Of::kStorage:
        return pending_.retry(Relief::kNodeOrStorage);
    }
  }

  // -- what has changed ------------------------------------------------------------------------------------------

  void nodeChanged(const Node& before, const Node& after) {
    if (!after) return cache_.removeNode(before.metadata().name());
    cache_.putNode(after);
    if (!before || mayAdmitMore(before, after)) pending_.retry(Relief::kNodeChange);
  }

  void podChanged(const Pod& before, const Pod& after) {
    const auto key = (after ? after : before).key();
    if (holdsRoom(after)) {
      cache_.putPod(after);
    } else if ((!after || isTerminal(after)) && cache_.removePod(key)) {
      pending_.retry(Relief::kNodeOrPodRemoval);
    }
    if (isGated(after)) {
      gated_.insert(key);
    } else {
      gated_.erase(key);
    }
    if (!wantsNode(after)) {
      pending_.remove(key);
      retries_.forget(key);
      trials_.forget(key);
    } else if (!cache_.hasPod(key) && (!wantsNode(before) || matters(before, after))) {
      trials_.begin(key);
      pending_.put(after);
    }
  }

  // Not for our own changes of its status.
  static bool matters(const Pod& before, const Pod& after) {
    return before.spec().tree() != after.spec().tree() || before.metadata().labels() != after.metadata().labels();
  }

  void tryAgain(const meta::ObjectKey& key) {
    const Pod pod(pods_.get(key));
    if (wantsNode(pod)) pending_.put(pod);
  }

  // -- one pod -----------------------------------------------------------------------------------------------------

  void schedule(const Pod& pod) {
    const auto start = steady_clock::now();
    trials_.countAttempt(pod.key());
    const Attempt result = attempt(pod);
    countAttempt(result, steady_clock::now() - start);
    if (result == Attempt::kScheduled) trials_.succeed(pod.key());
  }

  Attempt attempt(const Pod& pod) {
    PodInfo info(pod);
    info.volumes = decideVolumeNeeds(pod, storage());
    const auto pick = [](size_t count) { return base::randomBelow(static_cast<uint32_t>(count)); };
    const auto placement = decidePlacement(info, cache_.nodes(), pick);
    if (placement.node.empty()) {
      pending_.park(pod.key(), placement.relief);
      reportUnschedulable(pod, placement.message);
      return Attempt::kUnschedulable;
    }
    if (!info.volumes.unbound.empty()) return chooseNodeOfClaims(info, placement.node);
    return bind(info, placement.node) ? Attempt::kScheduled : Attempt::kError;
  }

  Storage storage() const {
    return {.claim = [this](auto ns, auto name) { return claims_.get(ns, name); },
            .volume = [this](auto name) { return volumes_.get("", name); },
            .storageClass = [this](auto name) { return classes_.get("", name); },
            .volumes = [this] { return volumes_.list(); }};
  }

  // The pod is tried again when its claims have their volumes, which are of this node then.
  Attempt chooseNodeOfClaims(const PodInfo& info, const std::string& node) {
    const auto key = info.pod.key();
    pending_.park(key, Relief::kNodeOrStorage);
    try {
      for (const auto& claim : info.volumes.unbound) chooseNodeOf(claim, node);
      return Attempt::kUnschedulable;
    } catch (const meta::StatusError& error) {
      log_.debug("a node for the claims of {}: {}", key.text(), error.message());
      retries_.add(key);
      return Attempt::kError;
    }
  }

  void chooseNodeOf(const core_v1::PersistentVolumeClaim& claim, const std::string& node) {
    const auto metadata = claim.metadata();
    if (metadata.annotation(meta::kSelectedNode) == node) return;
    const json::Value patch =
        json::Object{{"metadata", json::Object{{"resourceVersion", metadata.resourceVersion()},
                                               {"annotations", json::Object{{meta::kSelectedNode, node}}}}}};
    client_.patch(core_v1::PersistentVolumeClaim::kResource(), metadata.ns(), metadata.name(),
                  client::PatchType::kMerge, patch);
  }

  bool bind(const PodInfo& info, const std::string& node) {
    const auto metadata = info.pod.metadata();
    cache_.assume(info, node);
    pending_.remove(info.pod.key());
    try {
      client_.createSubresource(Pod::kResource(), metadata.ns(), metadata.name(), "binding", bindingOf(info.pod, node));
      events_.record(*info.pod.object(), client::Severity::kNormal, "Scheduled",
                     fmt::format("Successfully assigned {} to {}", info.pod.key().text(), node));
      return true;
    } catch (const meta::StatusError& error) {
      bindingFailed(info.pod, error);
      return false;
    }
  }

  void bindingFailed(const Pod& pod, const meta::StatusError& error) {
    cache_.removePod(pod.key());
    pending_.retry(Relief::kNodeOrPodRemoval);
    // Gone, or bound by somebody else: its event says so.
    if (error.isNotFound() || error.isConflict()) return retries_.add(pod.key());
    log_.warn("binding {}: {}", pod.key().text(), error.message());
    events_.record(*pod.object(), client::Severity::kWarning, "FailedScheduling", error.message());
    retries_.add(pod.key());
  }

  void reportUnschedulable(const Pod& pod, const std::string& message) {
    events_.record(*pod.object(), client::Severity::kWarning, "FailedScheduling", message);
    // What the API has by now: the pod at hand may be from before our last report.
    const Pod current(pods_.get(pod.key()));
    if (!wantsNode(current)) return;
    const auto conditions = decideUnschedulable(current, message, meta::formatTime(clock_.now()));
    if (!conditions) return;
    try {
      const json::Value patch = json::Object{{"status", json::Object{{"conditions", *conditions}}}};
      client_.patch(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(), client::PatchType::kStrategic, patch,
                    {.subresource = "status"});
    } catch (const meta::StatusError& error) {
      log_.debug("condition of {}: {}", pod.key().text(), error.message());
    }
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& pods_;
  client::Informer& claims_;
  client::Informer& volumes_;
  client::Informer& classes_;
  base::Log log_{"scheduler"};
  Inbox inbox_;
  // The thread's own.
  ClusterCache cache_;
  PendingPods pending_;
  Retries retries_;
  Trials trials_;
  std::set<meta::ObjectKey> gated_;
  PendingGauge gauge_;
  std::jthread thread_;
};

}  // namespace

std::unique_ptr<Scheduler> startScheduler(SchedulerContext& context) {
  auto scheduler = std::make_unique<EventDrivenScheduler>(context);
  context.informers.start();
  return scheduler;
}

}  // namespace wherry::scheduler
