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
using core_v1::ReplicationController;
using meta::ObjectPtr;

// What the two kinds call themselves.
template <typename Owner>
constexpr std::string_view kKind = "ReplicaSet";
template <>
constexpr std::string_view kKind<ReplicationController> = "ReplicationController";
template <typename Owner>
constexpr const char* kComponent = "replicaset-controller";
template <>
constexpr const char* kComponent<ReplicationController> = "replication-controller";

template <typename Owner>
class ReplicaController : public Controller {
 public:
  explicit ReplicaController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent(kComponent<Owner>)),
        owners_(context.informers.informer(Owner::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    pods_.addIndex(std::string(kByController), controllerIndex);
    pods_.addIndex(std::string(kOrphans), orphanIndex);
    owners_.addIndex(std::string(kByController), controllerIndex);
    owners_.addHandler(onLatest([this](const ObjectPtr& owner) { queue_.add(owner->key().text()); }));
    pods_.addHandler(onEither([this](const meta::Object& pod) {
      for (auto& key : ownersToTell(pod, kKind<Owner>, owners_)) queue_.add(std::move(key));
    }));
  }

  void start() override {
    constexpr unsigned kWorkers = 2;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
  }

 private:
  void reconcile(const std::string& key) {
    const Owner owner(owners_.get(meta::ObjectKey::parse(key)));
    if (!owner) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!podWrites_.visible(key, pods_) || !statusWrites_.visible(key, owners_)) return;
    const auto pods = claimPods(owner);
    Round round;
    if (!owner.metadata().deleting()) manageReplicas(owner, activeOf(pods), round);
    if (round.changes > 0 && !round.error) return;  // the status would be out of date at once
    writeStatus(key, owner, pods, round.failure);
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

  void writeStatus(const std::string& key, const Owner& owner, const std::vector<Pod>& pods,
                   const ReplicaFailure& failure) {
    const auto now = clock_.now();
    const auto written =
        applyStatus(client_, Owner::kResource(), *owner.object(), decideReplicaStatus(owner, pods, failure, now));
    if (written) statusWrites_.wrote(key, *written);
    comeBackWhenAvailable(key, owner, pods, now);
  }

  std::vector<Pod> claimPods(const Owner& owner) {
    auto candidates = claimCandidates(*owner.object(), pods_);
    std::erase_if(candidates, [](const ObjectPtr& pod) { return controllerUid(*pod).empty() && isTerminal(Pod(pod)); });
    std::vector<Pod> pods;
    for (auto& pod : applyClaims(client_, Pod::kResource(), *owner.object(), candidates, podWrites_)) {
      pods.emplace_back(std::move(pod));
    }
    return pods;
  }

  static std::vector<Pod> activeOf(const std::vector<Pod>& pods) {
    std::vector<Pod> active;
    std::copy_if(pods.begin(), pods.end(), std::back_inserter(active), isActive);
    return active;
  }

  void manageReplicas(const Owner& owner, const std::vector<Pod>& active, Round& round) {
    const auto onNode = [&](std::string_view node) { return countSiblings(owner, node); };
    const auto actions = decideReplicas(owner, active, onNode, clock_.now());
    const meta::Object& object = *owner.object();
    const auto pod = podFromTemplate(object, owner.spec().template_());
    note(doInBatches(actions.create, [&](int64_t) { writer_.create(object, pod); }), "FailedCreate", round);
    const auto& excess = actions.remove;
    const auto remove = [&](int64_t index) { writer_.remove(object, excess[static_cast<size_t>(index)]); };
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
  int64_t countSiblings(const Owner& owner, std::string_view node) const {
    const auto controller = controllerUid(*owner.object());
    std::vector<ObjectPtr> siblings{owner.object()};
    if (!controller.empty()) siblings = owners_.byIndex(kByController, controller);
    int64_t count = 0;
    for (const auto& sibling : siblings) {
      for (const auto& object : pods_.byIndex(kByController, sibling->metadata().uid())) {
        const Pod pod(object);
        if (pod.spec().nodeName() == node && isActive(pod)) ++count;
      }
    }
    return count;
  }

  void comeBackWhenAvailable(const std::string& key, const Owner& owner, const std::vector<Pod>& pods,
                             base::WallTime now) {
    if (owner.spec().minReadySeconds() == 0) return;  // who is ready is available
    for (const auto& pod : pods) {
      const auto at = availableAt(pod, owner.spec().minReadySeconds(), now);
      if (!at || !isActive(pod)) continue;
      queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(*at - now));
    }
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& owners_;
  client::Informer& pods_;
  client::OwnWrites podWrites_;
  client::OwnWrites statusWrites_;
  PodWriter writer_{client_, events_, podWrites_};
  client::Workqueue queue_{kComponent<Owner>};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeReplicaSetController(ControllerContext& context) {
  return std::make_unique<ReplicaController<ReplicaSet>>(context);
}

std::unique_ptr<Controller> makeReplicationControllerController(ControllerContext& context) {
  return std::make_unique<ReplicaController<ReplicationController>>(context);
}

}  // namespace wherry::controllers
