#include "controllers/daemon_set.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/guarded.h"
#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/claim_writer.h"
#include "controllers/controller_revision.h"
#include "controllers/failure_backoff.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"
#include "controllers/pod_writer.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using apps_v1::ControllerRevision;
using apps_v1::DaemonSet;
using client::Severity;
using core_v1::Node;
using core_v1::Pod;
using meta::ObjectPtr;

// The hash under which a revision's pods are known.
std::string_view hashOf(const ControllerRevision& revision) {
  const auto hash = revision.metadata().label(kRevisionLabel);
  return hash.empty() ? revision.metadata().name() : hash;
}

class DaemonSetController : public Controller {
 public:
  explicit DaemonSetController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("daemonset-controller")),
        sets_(context.informers.informer(DaemonSet::kResource())),
        revisions_(context.informers.informer(ControllerRevision::kResource())),
        nodes_(context.informers.informer(Node::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    for (client::Informer* owned : {&revisions_, &pods_}) {
      owned->addIndex(std::string(kByController), controllerIndex);
      owned->addIndex(std::string(kOrphans), orphanIndex);
      owned->addHandler(onEither([this](const meta::Object& object) {
        for (auto& key : ownersToTell(object, "DaemonSet", sets_)) queue_.add(std::move(key));
      }));
    }
    sets_.addHandler(onLatest([this](const ObjectPtr& set) { queue_.add(set->key().text()); }));
    nodes_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { lookAtNode(before, after); },
         .onSynced = {},
         .onRevision = {}});
  }

  void start() override {
    constexpr unsigned kWorkers = 2;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
  }

 private:
  // What a reconciliation works with.
  struct Snapshot {
    std::vector<Pod> pods;
    std::vector<Node> nodes;
    std::vector<ControllerRevision> revisions;  // sorted
    std::string hash;                           // of the template
    int64_t collisionCount = 0;
    base::WallTime now;
  };

  void lookAtNode(const ObjectPtr& before, const ObjectPtr& after) {
    if (!movesDaemons(before, after)) return;
    for (const auto& set : sets_.list()) queue_.add(set->key().text());
  }

  void reconcile(const std::string& key) {
    const DaemonSet set(sets_.get(meta::ObjectKey::parse(key)));
    if (!set) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!setWrites_.visible(key, sets_) || !podWrites_.visible(key, pods_) ||
        !revisionWrites_.visible(key, revisions_)) {
      return;
    }
    if (set.metadata().deleting()) return;
    const Snapshot snapshot = look(set);
    const auto wait = [&](std::string_view node) { return failureWait(set, node, snapshot.now); };
    const auto actions = decideDaemonSet(set, snapshot.pods, snapshot.nodes, snapshot.hash, wait, snapshot.now);
    if (actions.again) {
      queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(*actions.again - snapshot.now));
    }
    std::exception_ptr failure;
    try {
      apply(set, snapshot, actions);
      if (!actions.create.empty() || !actions.remove.empty()) return;  // the status would be out of date at once
    } catch (const meta::StatusError& error) {
      if (!isNamespaceTerminating(error)) failure = std::current_exception();
    }
    writeStatus(set, snapshot);
    if (failure) std::rethrow_exception(failure);
  }

  void forget(const std::string& key) {
    for (client::OwnWrites* writes : {&setWrites_, &podWrites_, &revisionWrites_}) writes->forget(key);
    failures_.with([&](auto& failures) { failures.erase(key); });
  }

  Snapshot look(const DaemonSet& set) {
    const meta::Object& owner = *set.object();
    Snapshot snapshot{.collisionCount = set.status().collisionCount(), .now = clock_.now()};
    for (const auto& node : nodes_.list()) snapshot.nodes.emplace_back(node);
    for (auto& pod : applyClaims(client_, Pod::kResource(), owner, claimCandidates(owner, pods_), podWrites_)) {
      snapshot.pods.emplace_back(std::move(pod));
    }
    for (auto& revision : applyClaims(client_, ControllerRevision::kResource(), owner,
                                      claimCandidates(owner, revisions_), revisionWrites_)) {
      snapshot.revisions.emplace_back(std::move(revision));
    }
    sortRevisions(snapshot.revisions);
    snapshot.hash = hashOf(applyRevision(client_, owner, set.spec().template_(), snapshot.revisions,
                                         snapshot.collisionCount, revisionWrites_, kRevisionLabel));
    return snapshot;
  }

  // -- pods --------------------------------------------------------------------------------------------------------

  void apply(const DaemonSet& set, const Snapshot& snapshot, const DaemonActions& actions) {
    for (const Pod& pod : actions.remove) {
      if (isTerminal(pod)) tellOfEnd(set, pod, snapshot.now);
      writer_.remove(*set.object(), pod);
    }
    for (const auto& node : actions.create) writer_.create(*set.object(), daemonPod(set, node, snapshot.hash));
    cleanUp(set, snapshot);
  }

  void tellOfEnd(const DaemonSet& set, const Pod& pod, base::WallTime now) {
    const bool failed = pod.status().phase() == "Failed";
    const auto node = targetNode(pod);
    if (failed) failures_.with([&](auto& all) { backoffOf(all, set).failed(node, now); });
    events_.record(*set.object(), failed ? Severity::kWarning : Severity::kNormal,
                   failed ? "FailedDaemonPod" : "SucceededDaemonPod",
                   fmt::format("Found {} daemon pod {} on node {}, will try to {} it", failed ? "failed" : "succeeded",
                               pod.key().text(), node, failed ? "kill" : "delete"));
  }

  std::optional<base::WallTime> failureWait(const DaemonSet& set, std::string_view node, base::WallTime now) {
    return failures_.with([&](auto& all) { return backoffOf(all, set).until(node, now); });
  }

  // A changed set starts anew: it may be right now.
  struct Failures {
    std::string uid;
    int64_t generation = 0;
    FailureBackoff backoff;
  };
  using AllFailures = std::map<std::string, Failures>;
  static FailureBackoff& backoffOf(AllFailures& all, const DaemonSet& set) {
    Failures& failures = all[set.key().text()];
    if (failures.uid != set.metadata().uid() || failures.generation != set.metadata().generation()) {
      failures = {std::string(set.metadata().uid()), set.metadata().generation(), {}};
    }
    return failures.backoff;
  }

  // The limit counts all former revisions, those that pods still have among them.
  void cleanUp(const DaemonSet& set, const Snapshot& snapshot) {
    std::set<std::string_view> live;
    for (const Pod& pod : snapshot.pods) live.insert(pod.metadata().label(kRevisionLabel));
    std::set<std::string, std::less<>> used;
    int64_t limit = set.spec().revisionHistoryLimitOr(10);
    for (const auto& revision : snapshot.revisions) {
      const bool current = hashOf(revision) == snapshot.hash;
      if (!current && !live.contains(hashOf(revision))) continue;
      used.emplace(revision.metadata().name());
      if (!current) --limit;
    }
    for (const auto& revision : decideRevisionCleanup(snapshot.revisions, used, limit)) {
      try {
        client_.remove(ControllerRevision::kResource(), set.metadata().ns(), revision.metadata().name(),
                       {.uid = std::string(revision.metadata().uid())});
        revisionWrites_.removed(set.key().text(), *revision.object());
      } catch (const meta::StatusError& error) {
        if (!error.isNotFound()) throw;
      }
    }
  }

  void writeStatus(const DaemonSet& set, const Snapshot& snapshot) {
    const auto written = applyStatus(client_, DaemonSet::kResource(), *set.object(),
                                     decideDaemonSetStatus(set, snapshot.pods, snapshot.nodes, snapshot.hash,
                                                           snapshot.collisionCount, snapshot.now));
    if (written) setWrites_.wrote(set.key().text(), *written);
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& sets_;
  client::Informer& revisions_;
  client::Informer& nodes_;
  client::Informer& pods_;
  client::OwnWrites setWrites_;
  client::OwnWrites podWrites_;
  client::OwnWrites revisionWrites_;
  PodWriter writer_{client_, events_, podWrites_};
  base::Guarded<AllFailures> failures_;  // by the set's key; entries only where there are nodes with failed pods
  client::Workqueue queue_{"daemonset-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeDaemonSetController(ControllerContext& context) {
  return std::make_unique<DaemonSetController>(context);
}

}  // namespace wherry::controllers
