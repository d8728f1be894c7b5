#include "controllers/stateful_set.h"

#include <algorithm>

#include <fmt/format.h>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/controller_revision.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using apps_v1::ControllerRevision;
using apps_v1::StatefulSet;
using client::Severity;
using core_v1::PersistentVolumeClaim;
using core_v1::Pod;
using core_v1::PodTemplateSpec;
using meta::ObjectPtr;

std::string keyOf(const StatefulSet& set) { return set.key().text(); }

// What a reconciliation works with.
struct History {
  std::vector<ControllerRevision> revisions;  // sorted
  StatefulRevisions names;
  int64_t collisionCount = 0;
};

class StatefulSetController : public Controller {
 public:
  explicit StatefulSetController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("statefulset-controller")),
        sets_(context.informers.informer(StatefulSet::kResource())),
        revisions_(context.informers.informer(ControllerRevision::kResource())),
        claims_(context.informers.informer(PersistentVolumeClaim::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    for (client::Informer* owned : {&revisions_, &pods_}) {
      owned->addIndex(std::string(kByController), controllerIndex);
      owned->addIndex(std::string(kOrphans), orphanIndex);
      owned->addHandler(onEither([this](const meta::Object& object) {
        for (auto& key : ownersToTell(object, "StatefulSet", sets_)) queue_.add(std::move(key));
      }));
    }
    sets_.addHandler(onLatest([this](const ObjectPtr& set) { queue_.add(set->key().text()); }));
  }

  void start() override {
    constexpr unsigned kWorkers = 2;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
  }

 private:
  void reconcile(const std::string& key) {
    const StatefulSet set(sets_.get(meta::ObjectKey::parse(key)));
    if (!set) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!setWrites_.visible(key, sets_) || !podWrites_.visible(key, pods_) ||
        !revisionWrites_.visible(key, revisions_)) {
      return;
    }
    const auto pods = claimPods(set);
    History history = applyHistory(set);
    const auto now = clock_.now();
    const auto actions = decideStatefulSet(set, pods, history.names, now);
    std::exception_ptr failure;
    try {
      apply(set, pods, history, actions);
      if (!actions.create.empty() || !actions.remove.empty()) return;  // the status would be out of date at once
    } catch (const meta::StatusError&) {
      failure = std::current_exception();
    }
    writeStatus(set, pods, history, now);
    if (actions.again) queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(*actions.again - now));
    if (failure) std::rethrow_exception(failure);
  }

  void forget(const std::string& key) {
    for (client::OwnWrites* writes : {&setWrites_, &podWrites_, &revisionWrites_}) writes->forget(key);
  }

  // The set's own, and orphans that it adopts: only those whose names are as its own are.
  std::vector<Pod> claimPods(const StatefulSet& set) {
    const auto isNamed = [&](std::string_view name) { return ordinalOf(set.metadata().name(), name).has_value(); };
    const auto claims = decideClaims(*set.object(), selectorOf(*set.object()), candidates(set, pods_, isNamed));
    std::vector<Pod> pods;
    for (const auto& pod : claims.owned) pods.emplace_back(pod);
    for (const auto& pod : claims.toAdopt) {
      if (auto adopted = patchPod(set, *pod, adoptionPatch(*set.object(), *pod))) pods.emplace_back(adopted);
    }
    for (const auto& pod : claims.toRelease) patchPod(set, *pod, releasePatch(set.metadata().uid(), *pod));
    return pods;
  }

  // A set that takes over the pods of a former one takes over their history: they are what it would make, not replaced.
  std::vector<ControllerRevision> claimRevisions(const StatefulSet& set) {
    const std::string prefix = std::string(set.metadata().name()) + "-";
    const auto isNamed = [&](std::string_view name) { return name.starts_with(prefix); };
    const auto claims = decideClaims(*set.object(), selectorOf(*set.object()), candidates(set, revisions_, isNamed));
    std::vector<ControllerRevision> revisions;
    for (const auto* ours : {&claims.owned, &claims.toRelease}) {
      for (const auto& revision : *ours) revisions.emplace_back(revision);
    }
    for (const auto& revision : claims.toAdopt) {
      revisions.emplace_back(client_.patch(ControllerRevision::kResource(), revision->metadata().ns(),
                                           revision->metadata().name(), client::PatchType::kStrategic,
                                           adoptionPatch(*set.object(), *revision)));
      revisionWrites_.wrote(keyOf(set), *revisions.back().object());
    }
    sortRevisions(revisions);
    return revisions;
  }

  template <typename IsNamed>
  static std::vector<ObjectPtr> candidates(const StatefulSet& set, const client::Informer& informer, IsNamed isNamed) {
    auto found = informer.byIndex(kByController, set.metadata().uid());
    for (const auto& orphan : informer.byIndex(kOrphans, set.metadata().ns())) {
      if (isNamed(orphan->metadata().name())) found.push_back(orphan);
    }
    return found;
  }

  ObjectPtr patchPod(const StatefulSet& set, const meta::Object& pod, const json::Value& patch) {
    try {
      auto written = client_.patch(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(),
                                   client::PatchType::kStrategic, patch);
      podWrites_.wrote(keyOf(set), *written);
      return written;
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
      return nullptr;
    }
  }

  History applyHistory(const StatefulSet& set) {
    History history;
    history.collisionCount = set.status().collisionCount();
    history.revisions = claimRevisions(set);
    history.names.current = set.status().currentRevision();
    if (set.metadata().deleting()) {
      history.names.update = set.status().updateRevision();
      return history;
    }
    history.names.update = applyRevision(client_, *set.object(), set.spec().template_(), history.revisions,
                                         history.collisionCount, revisionWrites_)
                               .metadata()
                               .name();
    if (!findRevision(history, history.names.current)) history.names.current = history.names.update;
    return history;
  }

  static const ControllerRevision* findRevision(const History& history, std::string_view name) {
    for (const auto& revision : history.revisions) {
      if (revision.metadata().name() == name) return &revision;
    }
    return nullptr;
  }

  // -- pods --------------------------------------------------------------------------------------------------------

  void apply(const StatefulSet& set, const std::vector<Pod>& pods, const History& history,
             const StatefulActions& actions) {
    for (const Pod& pod : pods) {
      if (const auto patch = decideIdentity(set, pod)) patchPod(set, *pod.object(), *patch);
      if (!set.metadata().deleting()) keepClaims(set, pod);
    }
    for (const auto& create : actions.create) createPod(set, history, create);
    for (const Pod& pod : actions.remove) removePod(set, pod);
    cleanUp(set, pods, history);
  }

  void createPod(const StatefulSet& set, const History& history, const StatefulActions::Create& create) {
    const bool current = create.from == StatefulActions::From::kCurrent;
    const std::string& name = current ? history.names.current : history.names.update;
    const auto* revision = findRevision(history, name);
    const json::Value podTemplate = revision ? templateOf(*revision) : json::Value(set.spec().template_().tree());
    const auto pod = statefulPod(set, PodTemplateSpec(&podTemplate), create.ordinal, name);
    createClaims(set, create.ordinal, json::getString(pod, "metadata.name"));
    attempt(set, "create", "Pod", pod,
            [&] { podWrites_.wrote(keyOf(set), *client_.create(Pod::kResource(), set.metadata().ns(), pod)); });
  }

  void createClaims(const StatefulSet& set, int64_t ordinal, std::string_view pod) {
    for (const auto& claim : statefulClaims(set, ordinal)) {
      const auto name = json::getString(claim, "metadata.name");
      const auto there = claims_.get(set.metadata().ns(), name);
      if (there && there->metadata().deleting()) {
        throw meta::conflict(PersistentVolumeClaim::kResource().groupResource(), name,
                             fmt::format("the claim of Pod {} is being deleted", pod));
      }
      if (!there) createClaim(set, claim);
    }
  }

  void createClaim(const StatefulSet& set, const json::Value& claim) {
    try {
      attempt(set, "create", "Claim", claim,
              [&] { client_.create(PersistentVolumeClaim::kResource(), set.metadata().ns(), claim); });
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) throw;  // the cache did not show it
    }
  }

  // A pod that waits for its claims waits in vain for those that somebody deleted; and claims go with whom they should.
  void keepClaims(const StatefulSet& set, const Pod& pod) {
    const auto ordinal = ordinalOf(set.metadata().name(), pod.metadata().name());
    if (!ordinal || set.spec().volumeClaimTemplates().empty()) return;
    if (pod.status().phase() == "Pending" && isActive(pod)) createClaims(set, *ordinal, pod.metadata().name());
    for (const auto& wanted : statefulClaims(set, *ordinal)) {
      const auto claim = claims_.get(set.metadata().ns(), json::getString(wanted, "metadata.name"));
      const auto owners = claim ? decideClaimOwners(set, *ordinal, *claim, pod.object().get()) : std::nullopt;
      if (owners) patchClaim(*claim, *owners);
    }
  }

  void patchClaim(const meta::Object& claim, const json::Value& owners) {
    const auto metadata = claim.metadata();
    const json::Value patch = json::Object{{"metadata", json::Object{{"uid", metadata.uid()},
                                                                     {"resourceVersion", metadata.resourceVersion()},
                                                                     {"ownerReferences", owners}}}};
    client_.patch(PersistentVolumeClaim::kResource(), metadata.ns(), metadata.name(), client::PatchType::kMerge, patch);
  }

  void removePod(const StatefulSet& set, const Pod& pod) {
    const auto metadata = pod.metadata();
    attempt(set, "delete", "Pod", pod.object()->tree(), [&] {
      try {
        client_.remove(Pod::kResource(), metadata.ns(), metadata.name(), {.uid = std::string(metadata.uid())});
      } catch (const meta::StatusError& error) {
        if (!error.isNotFound() && !error.isConflict()) throw;
      }
      podWrites_.removed(keyOf(set), *pod.object());
    });
  }

  // Does it and tells of it as an event; not of a name that is taken, which is tried again.
  template <typename Write>
  void attempt(const StatefulSet& set, std::string_view verb, std::string_view kind, const json::Value& object,
               Write write) {
    const std::string what = fmt::format("{} {} {} in StatefulSet {}", verb, kind,
                                         json::getString(object, "metadata.name"), set.metadata().name());
    const std::string_view done = verb == "create" ? "Create" : "Delete";
    try {
      write();
      events_.record(*set.object(), Severity::kNormal, fmt::format("Successful{}", done), what + " successful");
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) {
        events_.record(*set.object(), Severity::kWarning, fmt::format("Failed{}", done),
                       fmt::format("{} failed error: {}", what, error.message()));
      }
      throw;
    }
  }

  void cleanUp(const StatefulSet& set, const std::vector<Pod>& pods, const History& history) {
    if (set.metadata().deleting()) return;
    std::set<std::string, std::less<>> used{history.names.current, history.names.update};
    for (const Pod& pod : pods) used.emplace(pod.metadata().label(kRevisionLabel));
    for (const auto& revision : decideRevisionCleanup(history.revisions, used, set.spec().revisionHistoryLimitOr(10))) {
      try {
        client_.remove(ControllerRevision::kResource(), set.metadata().ns(), revision.metadata().name(),
                       {.uid = std::string(revision.metadata().uid())});
        revisionWrites_.removed(keyOf(set), *revision.object());
      } catch (const meta::StatusError& error) {
        if (!error.isNotFound()) throw;
      }
    }
  }

  void writeStatus(const StatefulSet& set, const std::vector<Pod>& pods, const History& history, base::WallTime now) {
    const auto written = applyStatus(client_, StatefulSet::kResource(), *set.object(),
                                     decideStatefulSetStatus(set, pods, history.names, history.collisionCount, now));
    if (written) setWrites_.wrote(keyOf(set), *written);
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& sets_;
  client::Informer& revisions_;
  client::Informer& claims_;
  client::Informer& pods_;
  client::OwnWrites setWrites_;
  client::OwnWrites podWrites_;
  client::OwnWrites revisionWrites_;
  client::Workqueue queue_{"statefulset-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeStatefulSetController(ControllerContext& context) {
  return std::make_unique<StatefulSetController>(context);
}

}  // namespace wherry::controllers
