#include "controllers/disruption.h"

#include "client/workqueue.h"
#include "controllers/status_writer.h"
#include "meta/selector.h"
#include "views/apps_v1.h"

namespace wherry::controllers {

namespace {

using apps_v1::Deployment;
using apps_v1::ReplicaSet;
using core_v1::Pod;
using meta::ObjectPtr;
using policy_v1::PodDisruptionBudget;

struct Owner {
  std::string_view apiVersion, kind, name, uid;
};

std::optional<Owner> controllerOf(const meta::Metadata& metadata) {
  const auto* owner = metadata.controllerRef();
  if (!owner) return std::nullopt;
  return Owner{json::getString(*owner, "apiVersion"), json::getString(*owner, "kind"), json::getString(*owner, "name"),
               json::getString(*owner, "uid")};
}

bool selects(const PodDisruptionBudget& budget, const meta::Object& pod) {
  const auto* selector = budget.spec().field("selector");
  return meta::LabelSelector::fromObject(selector).matches(pod.metadata().labels());
}

class DisruptionController : public Controller {
 public:
  explicit DisruptionController(ControllerContext& context)
      : context_(context),
        events_(context.events.forComponent("controllermanager")),
        budgets_(context.informers.informer(PodDisruptionBudget::kResource())),
        pods_(context.informers.informer(Pod::kResource())),
        replicaSets_(context.informers.informer(ReplicaSet::kResource())),
        deployments_(context.informers.informer(Deployment::kResource())) {
    follow(budgets_, [this](const meta::Object& budget) { queue_.add(budget.key().text()); });
    follow(pods_, [this](const meta::Object& pod) { addBudgetsOf(pod); });
    // How many pods there should be: any budget of the namespace may count them.
    follow(replicaSets_, [this](const meta::Object& each) { addAllIn(each.metadata().ns()); });
    follow(deployments_, [this](const meta::Object& each) { addAllIn(each.metadata().ns()); });
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  template <typename Notice>
  static void follow(client::Informer& informer, Notice notice) {
    informer.addHandler({.onChange =
                             [notice](const ObjectPtr& before, const ObjectPtr& after) {
                               if (before) notice(*before);
                               if (after) notice(*after);
                             },
                         .onSynced = {},
                         .onRevision = {}});
  }

  void addBudgetsOf(const meta::Object& pod) {
    for (const auto& budget : budgets_.list(pod.metadata().ns())) {
      if (selects(PodDisruptionBudget(budget), pod)) queue_.add(budget->key().text());
    }
  }

  void addAllIn(std::string_view ns) {
    for (const auto& budget : budgets_.list(ns)) queue_.add(budget->key().text());
  }

  void reconcile(const std::string& key) {
    const PodDisruptionBudget budget(budgets_.get(meta::ObjectKey::parse(key)));
    if (!budget) return;
    std::vector<Pod> pods;
    for (const auto& pod : pods_.list(budget.metadata().ns())) {
      if (selects(budget, *pod)) pods.emplace_back(pod);
    }
    if (pods.empty() && budget.status().observedGeneration() != budget.metadata().generation()) {
      events_.record(*budget.object(), client::Severity::kNormal, "NoPods", "No matching pods found");
    }
    const auto now = context_.clock.now();
    auto decided = decideBudgetStatus(
        budget, pods, [this](const Pod& pod) { return workloadOf(pod); }, now);
    if (decided.recheckAt) {
      queue_.addAfter(key, std::chrono::ceil<std::chrono::milliseconds>(*decided.recheckAt - now));
    }
    applyStatus(context_.client, PodDisruptionBudget::kResource(), *budget.object(), std::move(decided.status));
  }

  // A ReplicaSet of a Deployment stands for the whole Deployment, whichever revision the pod is of.
  std::optional<Workload> workloadOf(const Pod& pod) const {
    const auto owner = controllerOf(pod.metadata());
    if (!owner) return std::nullopt;
    const auto ns = pod.metadata().ns();
    if (owner->kind != "ReplicaSet") return fetchWorkload(ns, *owner);
    const ReplicaSet replicaSet(replicaSets_.get(ns, owner->name));
    if (!replicaSet || replicaSet.metadata().uid() != owner->uid) return std::nullopt;
    const auto above = controllerOf(replicaSet.metadata());
    const Deployment deployment(above && above->kind == "Deployment" ? deployments_.get(ns, above->name) : nullptr);
    if (deployment && deployment.metadata().uid() == above->uid) {
      return Workload{std::string(above->uid), deployment.spec().replicasOr(1)};
    }
    return Workload{std::string(owner->uid), replicaSet.spec().replicasOr(1)};
  }

  // Rarer ones are not worth a copy of all of them.
  std::optional<Workload> fetchWorkload(std::string_view ns, const Owner& owner) const {
    static const meta::Resource kKnown[] = {apps_v1::StatefulSet::kResource(),
                                            core_v1::ReplicationController::kResource()};
    for (const auto& resource : kKnown) {
      if (resource.kind != owner.kind || resource.apiVersion() != owner.apiVersion) continue;
      try {
        const auto object = context_.client.get(resource, ns, owner.name);
        if (object->metadata().uid() != owner.uid) return std::nullopt;
        return Workload{std::string(owner.uid), json::getInt(object->tree(), "spec.replicas", 1)};
      } catch (const meta::StatusError& error) {
        if (!error.isNotFound()) throw;
      }
    }
    return std::nullopt;
  }

  ControllerContext& context_;
  client::EventRecorder events_;
  client::Informer& budgets_;
  client::Informer& pods_;
  client::Informer& replicaSets_;
  client::Informer& deployments_;
  client::Workqueue queue_{"disruption-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeDisruptionController(ControllerContext& context) {
  return std::make_unique<DisruptionController>(context);
}

}  // namespace wherry::controllers
