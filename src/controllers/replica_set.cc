#include "controllers/replica_set.h"

#include <algorithm>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/batches.h"
#include "controllers/claim_writer.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"
#include "controllers/pod_writer.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using apps_v1::ReplicaSet;
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
    if (!replicaSet.metadata().deleting()) manageReplicas(replicaSet, activeOf(pods), round);
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
    auto candidates = claimCandidates(*replicaSet.object(), pods_);
    std::erase_if(candidates, [](const ObjectPtr& pod) { return controllerUid(*pod).empty() && isTerminal(Pod(pod)); });
    std::vector<Pod> pods;
    for (auto& pod : applyClaims(client_, Pod::kResource(), *replicaSet.object(), candidates, podWrites_)) {
      pods.emplace_back(std::move(pod));
    }
    return pods;
  }

  static std::vector<Pod> activeOf(const std::vector<Pod>& pods) {
    std::vector<Pod> active;
    std::copy_if(pods.begin(), pods.end(), std::back_inserter(active), isActive);
    return active;
  }

  void manageReplicas(const ReplicaSet& replicaSet, const std::vector<Pod>& active, Round& round) {
    const auto onNode = [&](std::string_view node) { return countSiblings(replicaSet, node); };
    const auto actions = decideReplicas(replicaSet, active, onNode, clock_.now());
    const auto& owner = *replicaSet.object();
    const auto pod = podFromTemplate(owner, replicaSet.spec().template_());
    note(doInBatches(actions.create, [&](int64_t) { writer_.create(owner, pod); }), "FailedCreate", round);
    const auto& excess = actions.remove;
    const auto remove = [&](int64_t index) { writer_.remove(owner, excess[static_cast<size_t>(index)]); };
    note(doInBatches(static_cast<int64_t>(excess.size()), remove), "FailedDelete", round);
  }

  static void note(const BatchOutcome& outcome, std::string_view reason, Round& round) {
    round.changes += outcome.done;
    if (!outcome.error) return;
    try {
      std::rethrow_exception(outcome.error);
    } catch (const meta::StatusError& refused) {
      if (isNamespaceTerminating(refused)) return;
      round.failure = {std::string(reason), refused.message()};
      round.error = outcome.error;
    }
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
  PodWriter writer_{client_, events_, podWrites_};
  client::Workqueue queue_{"replicaset-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeReplicaSetController(ControllerContext& context) {
  return std::make_unique<ReplicaSetController>(context);
}

}  // namespace wherry::controllers
