#include "scheduler/scheduler.h"

#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/random.h"
#include "meta/persistent_volumes.h"
#include "meta/time.h"
#include "scheduler/attempts.h"
#include "scheduler/binders.h"
#include "scheduler/cluster_cache.h"
#include "scheduler/cycle.h"
#include "scheduler/inbox.h"
#include "scheduler/lookups.h"
#include "scheduler/pending_pods.h"
#include "scheduler/pod_condition.h"
#include "scheduler/preemptor.h"
#include "scheduler/scheduler_metrics.h"

namespace wherry::scheduler {

namespace {

using core_v1::Namespace;
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

size_t pickAny(size_t count) { return base::randomBelow(static_cast<uint32_t>(count)); }

class EventDrivenScheduler : public Scheduler {
 public:
  explicit EventDrivenScheduler(SchedulerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent(std::string(kSchedulerName))),
        pods_(context.informers.informer(Pod::kResource())),
        lookups_(context.informers),
        preemptor_(context.client, events_, context.clock),
        binders_(context.client, events_, [this](const PodInfoPtr& pod, const meta::StatusError& error) {
          inbox_.push({.of = Change::Of::kBinding,
                       .before = {},
                       .after = {},
                       .pod = pod,
                       .error = std::make_shared<const meta::StatusError>(error)});
        }) {
    follow(pods_, Change::Of::kPod);
    follow(context.informers.informer(Node::kResource()), Change::Of::kNode);
    follow(context.informers.informer(Namespace::kResource()), Change::Of::kNamespace);
    for (client::Informer* informer : lookups_.storage()) follow(*informer, Change::Of::kStorage);
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
  }

 private:
  void follow(client::Informer& informer, Change::Of of) {
    informer.addHandler(
        {.onChange = [this, of](const ObjectPtr& before,
                                const ObjectPtr& after) { inbox_.push({.of = of, .before = before, .after = after}); },
         .onSynced =
             [this, of] {
               if (of != Change::Of::kStorage) inbox_.synced(of);
             },
         .onRevision = {}});
  }

  void run(std::stop_token stop) {
    bool hasWork = false;
    while (!stop.stop_requested()) {
      for (const auto& change : inbox_.take(retries_.earliest(), hasWork, stop)) take(change);
      for (const auto& key : retries_.takeDue(steady_clock::now())) tryAgain(key);
      gauge_.show({.active = pending_.readyCount(),
                   .backoff = retries_.size() + pending_.backoffCount(),
                   .unschedulable = pending_.parkedCount(),
                   .gated = gated_.size()});
      const auto pod = pending_.take(steady_clock::now());
      hasWork = pod.has_value();
      if (pod && !stop.stop_requested()) schedule(*pod);
    }
  }

  // -- what has changed ------------------------------------------------------------------------------------------

  void take(const Change& change) {
    switch (change.of) {
      case Change::Of::kPod:
        return podChanged(Pod(change.before), Pod(change.after));
      case Change::Of::kNode:
        return nodeChanged(Node(change.before), Node(change.after));
      case Change::Of::kStorage:
        return retry(Relief::kNodeOrStorage);
      case Change::Of::kNamespace:
        return namespaceChanged(Namespace(change.before), Namespace(change.after));
      case Change::Of::kBinding:
        return bindingFailed(*change.pod, *change.error);
    }
  }

  void retry(Relief occasion) { pending_.retry(occasion, steady_clock::now()); }

  void nodeChanged(const Node& before, const Node& after) {
    if (!after) return cache_.removeNode(before.metadata().name());
    cache_.putNode(after);
    if (!before || mayAdmitMore(before, after)) retry(Relief::kNodeChange);
  }

  // Terms of pod affinity may choose namespaces by their labels.
  void namespaceChanged(const Namespace& before, const Namespace& after) {
    if (!after) return cache_.removeNamespace(before.metadata().name());
    cache_.putNamespace(after);
    if (!before || before.metadata().labels() != after.metadata().labels()) retry(Relief::kNodeOrPods);
  }

  void podChanged(const Pod& before, const Pod& after) {
    const auto key = (after ? after : before).key();
    countOnNode(key, before, after);
    if (isGated(after)) {
      gated_.insert(key);
    } else {
      gated_.erase(key);
    }
    followPromise(key, before, after);
    if (!wantsNode(after)) {
      pending_.remove(key);
      retries_.forget(key);
      trials_.forget(key);
    } else if (!cache_.hasPod(key) && (!wantsNode(before) || matters(before, after))) {
      trials_.begin(key);
      pending_.put(after);
    }
  }

  void countOnNode(const meta::ObjectKey& key, const Pod& before, const Pod& after) {
    if (holdsRoom(after)) {
      cache_.putPod(after);
      if (!holdsRoom(before) || affectsOthers(before, after)) retry(Relief::kNodeOrPodArrival);
    } else if ((!after || isTerminal(after)) && cache_.removePod(key)) {
      retry(Relief::kNodeOrPodRemoval);
    }
  }

  // Affinity and spreading look at the labels of pods, the latter not at those that are being deleted.
  static bool affectsOthers(const Pod& before, const Pod& after) {
    return before.metadata().labels() != after.metadata().labels() ||
           before.metadata().deleting() != after.metadata().deleting();
  }

  // Not for our own changes of its status.
  static bool matters(const Pod& before, const Pod& after) {
    return before.spec().tree() != after.spec().tree() || before.metadata().labels() != after.metadata().labels();
  }

  // What another one says, or we have said in a former life; what we have just decided stays until it is written.
  void followPromise(const meta::ObjectKey& key, const Pod& before, const Pod& after) {
    if (!isOurs(after)) {
      if (cache_.forgetNomination(key) && !holdsRoom(after)) retry(Relief::kNodeOrPodRemoval);
      return;
    }
    const auto now = after.status().nominatedNodeName();
    if (now == (before ? before.status().nominatedNodeName() : std::string_view())) return;
    if (!now.empty()) {
      cache_.nominate(std::make_shared<const PodInfo>(after), now);
    } else if (cache_.forgetNomination(key)) {
      retry(Relief::kNodeOrPodRemoval);
    }
  }

  void tryAgain(const meta::ObjectKey& key) {
    const Pod pod(pods_.get(key));
    if (wantsNode(pod)) pending_.put(pod);
  }

  // -- one pod -----------------------------------------------------------------------------------------------------

  void schedule(const Pod& pod) {
    const auto start = steady_clock::now();
    const auto trial = trials_.countAttempt(pod.key());
    auto info = std::make_shared<PodInfo>(pod);
    info->volumes = lookups_.volumeNeedsOf(pod);
    const CycleState cycle(
        *info, cache_, [this](const Pod& of) { return lookups_.siblingsOf(of); }, lookups_.nodeVolumes());
    const auto placement = decidePlacement(cycle, pickAny);
    if (placement.node.empty()) {
      refuse(cycle, info, placement);
    } else if (!info->volumes.unbound.empty()) {
      countAttempt(chooseNodeOfClaims(*info, placement.node), steady_clock::now() - start);
      return;
    } else {
      return bind({std::move(info), placement.node, trial, start});
    }
    countAttempt(Attempt::kUnschedulable, steady_clock::now() - start);
  }

  void bind(Binders::Job job) {
    const auto key = job.pod->pod.key();
    cache_.assume(job.pod, job.node);
    cache_.forgetNomination(key);
    pending_.remove(key);
    trials_.forget(key);
    binders_.bind(std::move(job));
  }

  void bindingFailed(const PodInfo& info, const meta::StatusError& error) {
    const Pod& pod = info.pod;
    if (cache_.removePod(pod.key(), pod.metadata().uid())) retry(Relief::kNodeOrPodRemoval);
    // Gone, or bound by somebody else: its event says so.
    if (!error.isNotFound() && !error.isConflict()) {
      log_.warn("binding {}: {}", pod.key().text(), error.message());
      events_.record(*pod.object(), client::Severity::kWarning, "FailedScheduling", error.message());
    }
    retries_.add(pod.key());
  }

  // No node will do: others may have to go for it.
  void refuse(const CycleState& cycle, const PodInfoPtr& info, const Placement& placement) {
    const auto key = info->pod.key();
    pending_.park(key, placement.relief, steady_clock::now());
    PreemptionPlan plan;  // nobody, where there are no nodes
    if (!placement.refused.empty()) plan = decidePreemption(cycle, placement.refused, lookups_.budgets(), pickAny);
    if (!plan.node.empty()) {
      promise(info, plan);
    } else if (!plan.keepsPromise) {
      if (cache_.forgetNomination(key)) retry(Relief::kNodeOrPodRemoval);
    }
    report(info->pod, plan.message.empty() ? placement.message : placement.message + " " + plan.message);
  }

  void promise(const PodInfoPtr& info, const PreemptionPlan& plan) {
    std::vector<PodInfoPtr> displaced;  // they have to look for another node
    for (const auto& other : cache_.nominatedOn(plan.node)) {
      if (other->priority() < info->priority()) displaced.push_back(other);
    }
    cache_.nominate(info, plan.node);
    preemptor_.remove(*info, plan);
    for (const auto& other : displaced) {
      cache_.forgetNomination(other->pod.key());
      preemptor_.takeBackPromise(other->pod);
      retry(Relief::kNodeOrPodRemoval);
    }
  }

  // The pod is tried again when its claims have their volumes, which are of this node then.
  Attempt chooseNodeOfClaims(const PodInfo& info, const std::string& node) {
    const auto key = info.pod.key();
    pending_.park(key, Relief::kNodeOrStorage, steady_clock::now());
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

  void report(const Pod& pod, const std::string& message) {
    events_.record(*pod.object(), client::Severity::kWarning, "FailedScheduling", message);
    // What the API has by now: the pod at hand may be from before our last report.
    const Pod current(pods_.get(pod.key()));
    if (!wantsNode(current)) return;
    const auto status =
        decideUnschedulable(current, message, cache_.nominatedNode(pod.key()), meta::formatTime(clock_.now()));
    if (!status) return;
    try {
      const json::Value patch = json::Object{{"status", *status}};
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
  const Lookups lookups_;
  const Preemptor preemptor_;
  base::Log log_{"scheduler"};
  Inbox inbox_;
  Binders binders_;
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
