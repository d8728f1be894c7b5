#include "controllers/deployment.h"

#include <algorithm>

#include <fmt/format.h>

#include "client/own_writes.h"
#include "client/workqueue.h"
#include "controllers/deployment_rollout.h"
#include "controllers/deployment_status.h"
#include "controllers/informer_handlers.h"
#include "controllers/ownership.h"
#include "controllers/pod_state.h"
#include "controllers/status_writer.h"

namespace wherry::controllers {

namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;
using client::Severity;
using core_v1::Pod;
using meta::ObjectPtr;
using Progress = StatusInput::Progress;

std::string keyOf(const Deployment& deployment) { return deployment.key().text(); }

class DeploymentController : public Controller {
 public:
  explicit DeploymentController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("deployment-controller")),
        deployments_(context.informers.informer(Deployment::kResource())),
        replicaSets_(context.informers.informer(ReplicaSet::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    replicaSets_.addIndex(std::string(kByController), controllerIndex);
    replicaSets_.addIndex(std::string(kOrphans), orphanIndex);
    pods_.addIndex(std::string(kByController), controllerIndex);
    deployments_.addHandler(onLatest([this](const ObjectPtr& deployment) { queue_.add(deployment->key().text()); }));
    replicaSets_.addHandler(onEither([this](const meta::Object& replicaSet) { addOwner(replicaSet); }));
    pods_.addHandler(
        {.onChange = [this](const ObjectPtr& before, const ObjectPtr& after) { podChanged(before, after); },
         .onSynced = {},
         .onRevision = {}});
  }

  void start() override {
    constexpr unsigned kWorkers = 2;
    loop_.emplace(
        queue_, [this](const std::string& key) { reconcile(key); }, kWorkers);
  }

 private:
  // -- the informers' thread ---------------------------------------------------------------------------------------

  void addOwner(const meta::Object& replicaSet) {
    for (auto& key : ownersToTell(replicaSet, "Deployment", deployments_)) queue_.add(std::move(key));
  }

  // Recreate waits for the end of the last old pod; all else is told by the ReplicaSets' statuses.
  void podChanged(const ObjectPtr& before, const ObjectPtr& after) {
    const bool ended = !after || (before && !isTerminal(Pod(before)) && isTerminal(Pod(after)));
    if (!ended) return;
    const auto* controller = (after ? after : before)->metadata().controllerRef();
    if (!controller) return;
    const auto replicaSet =
        replicaSets_.get((after ? after : before)->metadata().ns(), json::getString(*controller, "name"));
    if (replicaSet) addOwner(*replicaSet);
  }

  // -- the workers' threads ----------------------------------------------------------------------------------------

  void reconcile(const std::string& key) {
    const Deployment deployment(deployments_.get(meta::ObjectKey::parse(key)));
    if (!deployment) return forget(key);
    // Its own last writes come as events, and those bring us back here.
    if (!deploymentWrites_.visible(key, deployments_) || !replicaSetWrites_.visible(key, replicaSets_)) return;
    auto generations = sortGenerations(deployment, claimReplicaSets(deployment));
    if (deployment.metadata().deleting()) return writeStatus(deployment, generations, Progress::kLeftAlone);
    if (deployment.spec().paused() || isScaling(deployment, generations)) return scale(deployment, generations);
    if (isRolling(deployment)) return roll(deployment, generations);
    recreate(deployment, generations);
  }

  void forget(const std::string& key) {
    deploymentWrites_.forget(key);
    replicaSetWrites_.forget(key);
  }

  std::vector<ReplicaSet> claimReplicaSets(const Deployment& deployment) {
    auto candidates = replicaSets_.byIndex(kByController, deployment.metadata().uid());
    const auto orphans = replicaSets_.byIndex(kOrphans, deployment.metadata().ns());
    candidates.insert(candidates.end(), orphans.begin(), orphans.end());
    const auto claims = decideClaims(*deployment.object(), selectorOf(*deployment.object()), candidates);
    std::vector<ReplicaSet> replicaSets;
    for (const auto& owned : claims.owned) replicaSets.emplace_back(owned);
    for (const auto& orphan : claims.toAdopt) {
      replicaSets.emplace_back(patchReplicaSet(deployment, *orphan, adoptionPatch(*deployment.object(), *orphan)));
    }
    for (const auto& stranger : claims.toRelease) {
      patchReplicaSet(deployment, *stranger, releasePatch(deployment.metadata().uid(), *stranger));
    }
    return replicaSets;
  }

  ObjectPtr patchReplicaSet(const Deployment& deployment, const meta::Object& replicaSet, const json::Value& patch) {
    auto written = client_.patch(ReplicaSet::kResource(), replicaSet.metadata().ns(), replicaSet.metadata().name(),
                                 client::PatchType::kStrategic, patch);
    replicaSetWrites_.wrote(keyOf(deployment), *written);
    return written;
  }

  // Paused, or spec.replicas has changed: no pods move between ReplicaSets.
  void scale(const Deployment& deployment, Generations& generations) {
    if (generations.current) annotateCurrent(deployment, generations);
    apply(deployment, generations, decideScaling(deployment, generations));
    if (deployment.spec().paused()) cleanUp(deployment, generations);
    writeStatus(deployment, generations, Progress::kLeftAlone);
    annotateDeployment(deployment, generations);
  }

  void roll(const Deployment& deployment, Generations& generations) {
    ProgressNote note;
    if (!ensureCurrent(deployment, generations, note)) return;
    apply(deployment, generations, decideRollingUpdate(deployment, generations));
    finish(deployment, generations, note);
  }

  void recreate(const Deployment& deployment, Generations& generations) {
    ProgressNote note;
    const auto down = decideScaleDownForRecreate(generations);
    apply(deployment, generations, down);
    if (down.empty() && !hasOldPods(generations)) {
      if (!ensureCurrent(deployment, generations, note)) return;
      apply(deployment, generations, decideScaleUpForRecreate(deployment, generations));
    }
    finish(deployment, generations, note);
  }

  void finish(const Deployment& deployment, const Generations& generations, const ProgressNote& note) {
    if (isComplete(deployment, decideDeploymentStatus({deployment, generations, clock_.now()}))) {
      cleanUp(deployment, generations);
    }
    writeStatus(deployment, generations, Progress::kJudged, note);
    annotateDeployment(deployment, generations);
  }

  bool hasOldPods(const Generations& generations) const {
    for (const auto& old : generations.old) {
      for (const auto& pod : pods_.byIndex(kByController, old.metadata().uid())) {
        if (!isTerminal(Pod(pod))) return true;
      }
    }
    return false;
  }

  // generations.current afterwards. False when its name was taken: the collision is in the status, whose event brings
  // us back.
  bool ensureCurrent(const Deployment& deployment, Generations& generations, ProgressNote& note) {
    if (generations.current) {
      annotateCurrent(deployment, generations);
      if (!findCondition(deployment.status(), "Progressing")) {
        note = {"FoundNewReplicaSet",
                fmt::format("Found new replica set \"{}\"", generations.current->metadata().name())};
      }
      return true;
    }
    const auto hash = podTemplateHash(deployment.spec().template_(), collisionCount(deployment));
    const auto wanted =
        newReplicaSet(deployment, hash, nextRevision(generations.old), initialReplicas(deployment, generations.old));
    if (!createCurrent(deployment, generations, wanted)) return false;
    note = {"NewReplicaSetCreated",
            fmt::format("Created new replica set \"{}\"", generations.current->metadata().name())};
    return true;
  }

  static bool findCondition(const apps_v1::DeploymentStatus& status, std::string_view type) {
    for (const auto condition : status.conditions()) {
      if (condition.type() == type) return true;
    }
    return false;
  }

  static std::optional<int64_t> collisionCount(const Deployment& deployment) {
    if (!deployment.status().hasCollisionCount()) return std::nullopt;
    return deployment.status().collisionCount();
  }

  bool createCurrent(const Deployment& deployment, Generations& generations, const json::Value& wanted) {
    const auto ns = deployment.metadata().ns();
    try {
      generations.current.emplace(client_.create(ReplicaSet::kResource(), ns, wanted));
    } catch (const meta::StatusError& error) {
      if (!error.isAlreadyExists()) reportCreateError(deployment, generations, wanted, error);
      return adoptExisting(deployment, generations, json::getString(wanted, "metadata.name"));
    }
    replicaSetWrites_.wrote(keyOf(deployment), *generations.current->object());
    if (const int64_t replicas = generations.current->spec().replicas(); replicas > 0) {
      recordScaling(deployment, *generations.current, 0, replicas);
    }
    return true;
  }

  [[noreturn]] void reportCreateError(const Deployment& deployment, const Generations& generations,
                                      const json::Value& wanted, const meta::StatusError& error) {
    const std::string message = fmt::format("Failed to create new replica set \"{}\": {}",
                                            json::getString(wanted, "metadata.name"), error.message());
    events_.record(*deployment.object(), Severity::kWarning, "ReplicaSetCreateError", message);
    writeStatus(deployment, generations, Progress::kLeftAlone, {"ReplicaSetCreateError", message, true});
    throw error;
  }

  // The name is taken: by our own ReplicaSet that the cache did not show, or by a stranger: then another name is tried.
  bool adoptExisting(const Deployment& deployment, Generations& generations, std::string_view name) {
    const ReplicaSet existing(client_.get(ReplicaSet::kResource(), deployment.metadata().ns(), name));
    const bool ours = controllerUid(*existing.object()) == deployment.metadata().uid() &&
                      sameTemplate(existing.spec().template_(), deployment.spec().template_());
    if (ours) {
      generations.current = existing;
      return true;
    }
    auto status = decideDeploymentStatus({.deployment = deployment,
                                          .generations = generations,
                                          .now = clock_.now(),
                                          .progress = Progress::kLeftAlone,
                                          .collisionCount = collisionCount(deployment).value_or(0) + 1});
    write(deployment, std::move(status));
    return false;
  }

  void annotateCurrent(const Deployment& deployment, Generations& generations) {
    auto& current = *generations.current;
    const auto& have = current.metadata().annotations();
    const auto wanted = decideAnnotations(deployment, have, nextRevision(generations.old));
    const int64_t minReadySeconds = deployment.spec().minReadySeconds();
    if (wanted != have || current.spec().minReadySeconds() != minReadySeconds) {
      const json::Value patch = json::Object{{"metadata", json::Object{{"annotations", wanted}}},
                                             {"spec", json::Object{{"minReadySeconds", minReadySeconds}}}};
      current = ReplicaSet(patchReplicaSet(deployment, *current.object(), patch));
    }
  }

  // After the status: this write makes `deployment` out of date.
  void annotateDeployment(const Deployment& deployment, const Generations& generations) {
    if (!generations.current) return;
    const int64_t revision = revisionOf(generations.current->metadata());
    if (revisionOf(deployment.metadata()) == revision) return;
    const json::Value patch =
        json::Object{{"metadata", json::Object{{"annotations", json::Object{{kRevision, std::to_string(revision)}}}}}};
    const auto written = client_.patch(Deployment::kResource(), deployment.metadata().ns(),
                                       deployment.metadata().name(), client::PatchType::kMerge, patch);
    deploymentWrites_.wrote(keyOf(deployment), *written);
  }

  void apply(const Deployment& deployment, Generations& generations, const std::vector<ScaleAction>& actions) {
    for (const auto& action : actions) {
      const auto scaled = scaleReplicaSet(deployment, action);
      if (!scaled) continue;
      const auto replace = [&](ReplicaSet& place) {
        if (place.metadata().uid() == scaled.metadata().uid()) place = scaled;
      };
      if (generations.current) replace(*generations.current);
      std::for_each(generations.old.begin(), generations.old.end(), replace);
    }
  }

  // The ReplicaSet as written; empty when nothing had to be.
  ReplicaSet scaleReplicaSet(const Deployment& deployment, const ScaleAction& action) {
    const auto& replicaSet = action.replicaSet;
    const int64_t before = replicaSet.spec().replicasOr(1);
    const std::string desired = std::to_string(desiredReplicas(deployment));
    const std::string most = std::to_string(desiredReplicas(deployment) + maxSurge(deployment));
    const bool annotated = replicaSet.metadata().annotation(kDesiredReplicas) == desired &&
                           replicaSet.metadata().annotation(kMaxReplicas) == most;
    if (before == action.replicas && annotated) return {};
    const json::Value patch = json::Object{
        {"metadata", json::Object{{"resourceVersion", replicaSet.metadata().resourceVersion()},
                                  {"annotations", json::Object{{kDesiredReplicas, desired}, {kMaxReplicas, most}}}}},
        {"spec", json::Object{{"replicas", action.replicas}}}};
    ReplicaSet scaled(patchReplicaSet(deployment, *replicaSet.object(), patch));
    if (before != action.replicas) recordScaling(deployment, replicaSet, before, action.replicas);
    return scaled;
  }

  void recordScaling(const Deployment& deployment, const ReplicaSet& replicaSet, int64_t from, int64_t to) {
    events_.record(*deployment.object(), Severity::kNormal, "ScalingReplicaSet",
                   fmt::format("Scaled {} replica set {} from {} to {}", to > from ? "up" : "down",
                               replicaSet.metadata().name(), from, to));
  }

  void cleanUp(const Deployment& deployment, const Generations& generations) {
    for (const auto& replicaSet : decideCleanup(deployment, generations.old)) {
      try {
        client_.remove(ReplicaSet::kResource(), replicaSet.metadata().ns(), replicaSet.metadata().name(),
                       {.uid = std::string(replicaSet.metadata().uid())});
        replicaSetWrites_.removed(keyOf(deployment), *replicaSet.object());
      } catch (const meta::StatusError& error) {
        if (!error.isNotFound()) throw;
      }
    }
  }

  void writeStatus(const Deployment& deployment, const Generations& generations, Progress progress,
                   ProgressNote note = {}) {
    const auto now = clock_.now();
    auto status = decideDeploymentStatus({.deployment = deployment,
                                          .generations = generations,
                                          .now = now,
                                          .progress = progress,
                                          .note = std::move(note)});
    if (const auto deadline = progressDeadline(deployment, status)) {
      queue_.addAfter(keyOf(deployment),
                      std::chrono::ceil<std::chrono::milliseconds>(*deadline - now) + std::chrono::milliseconds(1));
    }
    write(deployment, std::move(status));
  }

  void write(const Deployment& deployment, json::Object status) {
    const auto written = applyStatus(client_, Deployment::kResource(), *deployment.object(), std::move(status));
    if (written) deploymentWrites_.wrote(keyOf(deployment), *written);
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& deployments_;
  client::Informer& replicaSets_;
  client::Informer& pods_;
  client::OwnWrites deploymentWrites_;
  client::OwnWrites replicaSetWrites_;
  client::Workqueue queue_{"deployment-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeDeploymentController(ControllerContext& context) {
  return std::make_unique<DeploymentController>(context);
}

}  // namespace wherry::controllers
