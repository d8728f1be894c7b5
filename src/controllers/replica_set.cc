#include "controllers/replica_set.h"

#include <algorithm>

#include <fmt/format.h>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using apps_v1::ReplicaSet;
using client::Severity;
using core_v1::Pod;
using meta::ObjectPtr;

class ReplicaSetController : public Controller {
 public:
  explicit ReplicaSetController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("replicaset-controller")),
        replicaSets_(context.informers.informer(ReplicaSet::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    pods_.addIndex(std::string(kByController), controllerIndex);
    pods_.addIndex(std::string(kOrphans), orphanIndex);
    replicaSets_.addIndex(std::string(kByController), controllerIndex);
    replicaSets_.addHandler(onLatest([this](const ObjectPtr& replicaSet) { queue_.add(replicaSet->key().text()); }));
    pods_.addHandler(onEither([this](const meta::Object& pod) {
      for (auto& key : ownersToTell(pod, "ReplicaSet", replicaSets_)) queue_.add(std::move(key));
    }));
  }

  void start() override {
    constexpr unsigned kWorkers = 2;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
  }

 private:
  void reconcile(const std::string& key) {
    const ReplicaSet replicaSet(replicaSets_.get(meta::ObjectKey::parse(key)));
    if (!replicaSet) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!podWrites_.visible(key, pods_) || !statusWrites_.visible(key, replicaSets_)) return;
    const auto pods = claimPods(replicaSet);
    Round round;
    if (!replicaSet.metadata().deleting()) manageReplicas(key, replicaSet, activeOf(pods), round);
    if (round.changes > 0 && !round.error) return;  // the status would be out of date at once
    writeStatus(key, replicaSet, pods, round.failure);
    if (round.error) std::rethrow_exception(round.error);
  }

  // What came of one attempt to have as many pods as wanted.
  struct Round {
    int64_t changes = 0;
    ReplicaFailure failure;
    std::exception_ptr error;
  };

  void forget(const std::string& key) {
    podWrites_.forget(key);
    statusWrites_.forget(key);
  }

  void writeStatus(const std::string& key, const ReplicaSet& replicaSet, const std::vector<Pod>& pods,
                   const ReplicaFailure& failure) {
    const auto now = clock_.now();
    const auto written = applyStatus(client_, ReplicaSet::kResource(), *replicaSet.object(),
                                     decideReplicaSetStatus(replicaSet, pods, failure, now));
    if (written) statusWrites_.wrote(key, *written);
    comeBackWhenAvailable(key, replicaSet, pods, now);
  }

  std::vector<Pod> claimPods(const ReplicaSet& replicaSet) {
    auto candidates = pods_.byIndex(kByController, replicaSet.metadata().uid());
    const auto orphans = pods_.byIndex(kOrphans, replicaSet.metadata().ns());
    candidates.insert(candidates.end(), orphans.begin(), orphans.end());
    const auto claims = decideClaims(*replicaSet.object(), selectorOf(*replicaSet.object()), candidates);
    for (const auto& pod : claims.toAdopt) {
      if (!isTerminal(Pod(pod))) patchOwner(replicaSet, *pod, adoptionPatch(*replicaSet.object(), *pod));
    }
    for (const auto& pod : claims.toRelease)
      patchOwner(replicaSet, *pod, releasePatch(replicaSet.metadata().uid(), *pod));
    std::vector<Pod> pods;
    for (const auto& pod : claims.owned) pods.emplace_back(pod);
    for (const auto& pod : claims.toAdopt) pods.emplace_back(pod);
    return pods;
  }

  void patchOwner(const ReplicaSet& replicaSet, const meta::Object& pod, const json::Value& patch) {
    try {
      const auto written = client_.patch(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(),
                                         client::PatchType::kStrategic, patch);
      podWrites_.wrote(replicaSet.key().text(), *written);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  static std::vector<Pod> activeOf(const std::vector<Pod>& pods) {
    std::vector<Pod> active;
    std::copy_if(pods.begin(), pods.end(), std::back_inserter(active), isActive);
    return active;
  }

  void manageReplicas(const std::string& key, const ReplicaSet& replicaSet, const std::vector<Pod>& active,
                      Round& round) {
    const auto onNode = [&](std::string_view node) { return countSiblings(replicaSet, node); };
    const auto actions = decideReplicas(replicaSet, active, onNode, clock_.now());
    try {
      createPods(key, replicaSet, actions.create, round);
      for (const auto& pod : actions.remove) deletePod(key, replicaSet, pod, round);
    } catch (const meta::StatusError& refused) {
      if (isNamespaceTerminating(refused)) return;
      const bool creating = actions.create > 0;
      round.failure = {creating ? "FailedCreate" : "FailedDelete", refused.message()};
      round.error = std::current_exception();
      events_.record(*replicaSet.object(), Severity::kWarning, round.failure.reason,
                     fmt::format("Error {}: {}", creating ? "creating" : "deleting", refused.message()));
    }
  }

  static bool isNamespaceTerminating(const meta::StatusError& error) {
    const auto* causes = error.details().if_contains("causes");
    if (!causes || !causes->is_array()) return false;
    const auto& list = causes->get_array();
    return std::any_of(list.begin(), list.end(), [](const json::Value& cause) {
      return json::getString(cause, "reason") == "NamespaceTerminating";
    });
  }

  void createPods(const std::string& key, const ReplicaSet& replicaSet, int64_t count, Round& round) {
    const auto pod = podFromTemplate(*replicaSet.object(), replicaSet.spec().template_());
    for (int64_t i = 0; i < count; ++i) {
      const auto created = client_.create(Pod::kResource(), replicaSet.metadata().ns(), pod);
      podWrites_.wrote(key, *created);
      ++round.changes;
      events_.record(*replicaSet.object(), Severity::kNormal, "SuccessfulCreate",
                     fmt::format("Created pod: {}", created->metadata().name()));
    }
  }

  void deletePod(const std::string& key, const ReplicaSet& replicaSet, const Pod& pod, Round& round) {
    const auto metadata = pod.metadata();
    try {
      client_.remove(Pod::kResource(), metadata.ns(), metadata.name(), {.uid = std::string(metadata.uid())});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound() && !error.isConflict()) throw;
    }
    podWrites_.removed(key, *pod.object());
    ++round.changes;
    events_.record(*replicaSet.object(), Severity::kNormal, "SuccessfulDelete",
                   fmt::format("Deleted pod: {}", metadata.name()));
  }

  // Active pods on this node of all ReplicaSets under the same Deployment.
  int64_t countSiblings(const ReplicaSet& replicaSet, std::string_view node) const {
    const auto owner = controllerUid(*replicaSet.object());
    std::vector<ObjectPtr> siblings{replicaSet.object()};
    if (!owner.empty()) siblings = replicaSets_.byIndex(kByController, owner);
    int64_t count = 0;
    for (const auto& sibling : siblings) {
      for (const auto& object : pods_.byIndex(kByController, sibling->metadata().uid())) {
        const Pod pod(object);
        if (pod.spec().nodeName() == node && isActive(pod)) ++count;
      }
    }
    return count;
  }

  void comeBackWhenAvailable(const std::string& key, const ReplicaSet& replicaSet, const std::vector<Pod>& pods,
                             base::WallTime now) {
    for (const auto& pod : pods) {
      const auto at = availableAt(pod, replicaSet.spec().minReadySeconds(), now);
      if (!at || !isActive(pod)) continue;
      queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(*at - now));
    }
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& replicaSets_;
  client::Informer& pods_;
  client::OwnWrites podWrites_;
  client::OwnWrites statusWrites_;
  client::Workqueue queue_{"replicaset-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeReplicaSetController(ControllerContext& context) {
  return std::make_unique<ReplicaSetController>(context);
}

}  // namespace wherry::controllers
