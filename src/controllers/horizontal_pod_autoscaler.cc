#include "controllers/horizontal_pod_autoscaler.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

#include "base/guarded.h"
#include "client/workqueue.h"
#include "controllers/informer_handlers.h"
#include "controllers/status_writer.h"
#include "views/apps_v1.h"

namespace wherry::controllers {

namespace {

using autoscaling_v2::HorizontalPodAutoscaler;
using client::Severity;
using core_v1::Pod;
using meta::ObjectPtr;
using metrics_v1beta1::PodMetrics;

constexpr std::chrono::seconds kPeriod(15);

// The kinds that can be scaled, by group and kind; null for others.
const meta::Resource* findScalable(std::string_view group, std::string_view kind) {
  for (const auto* resource : {&apps_v1::Deployment::kResource(), &apps_v1::ReplicaSet::kResource(),
                               &apps_v1::StatefulSet::kResource(), &core_v1::ReplicationController::kResource()}) {
    if (resource->group == group && resource->kind == kind) return resource;
  }
  return nullptr;
}

const meta::Resource& scalableOf(const HorizontalPodAutoscaler& autoscaler) {
  const auto reference = autoscaler.spec().scaleTargetRef();
  const auto group = meta::GroupVersion::parse(reference.apiVersion()).group;
  if (const auto* resource = findScalable(group, reference.kind())) return *resource;
  throw meta::badRequest(fmt::format("no matches for kind \"{}\" in group \"{}\"", reference.kind(), group));
}

class HorizontalPodAutoscalerController : public Controller {
 public:
  explicit HorizontalPodAutoscalerController(ControllerContext& context)
      : client_(context.client),
        clock_(context.clock),
        events_(context.events.forComponent("horizontal-pod-autoscaler")),
        autoscalers_(context.informers.informer(HorizontalPodAutoscaler::kResource())),
        pods_(context.informers.informer(Pod::kResource())) {
    autoscalers_.addHandler({.onChange =
                                 [this](const ObjectPtr& before, const ObjectPtr& after) {
                                   // Its own status isn't news: the next look has its time.
                                   if (before && after && hasSameSpec(*before, *after)) return;
                                   queue_.add((after ? after : before)->key().text());
                                 },
                             .onSynced = {},
                             .onRevision = {}});
  }

  void start() override {
    loop_.emplace(queue_, [this](const std::string& key) { reconcile(key); });
  }

 private:
  static bool hasSameSpec(const meta::Object& a, const meta::Object& b) {
    const auto *before = json::find(a.tree(), "spec"), *after = json::find(b.tree(), "spec");
    return before && after && a.metadata().uid() == b.metadata().uid() && json::equal(*before, *after);
  }

  void reconcile(const std::string& key) {
    const HorizontalPodAutoscaler autoscaler(autoscalers_.get(meta::ObjectKey::parse(key)));
    if (!autoscaler) return forget(key);
    // Whatever comes of this look: the next one is due then, and not earlier.
    queue_.addAfter(key, kPeriod);
    try {
      look(key, autoscaler);
    } catch (const meta::StatusError& error) {
      if (!error.isConflict() && !error.isNotFound()) throw;
    }
  }

  void forget(const std::string& key) {
    histories_.with([&](auto& histories) { histories.erase(key); });
  }

  void look(const std::string& key, const HorizontalPodAutoscaler& autoscaler) {
    const auto now = clock_.now();
    ObjectPtr target;
    try {
      const auto& resource = scalableOf(autoscaler);
      target = client_.get(resource, autoscaler.metadata().ns(), autoscaler.spec().scaleTargetRef().name());
    } catch (const meta::StatusError& error) {
      tell(autoscaler, {true, "FailedGetScale", error.message()});
      return writeStatus(autoscaler, statusWithoutTarget(autoscaler, error.message(), now));
    }
    const auto selector = selectorOf(*target);
    // What was wanted and done lately; one worker has it at a time.
    auto history = histories_.with([&](auto& histories) { return histories[key]; });
    auto decision =
        decideAutoscaler(autoscaler, selector.text(), samplesOf(*target, selector), rivalsOf(autoscaler), history, now);
    for (const auto& event : decision.events) tell(autoscaler, event);
    if (decision.rescaleTo) rescale(autoscaler, *target, decision, history, now);
    histories_.with([&](auto& histories) { histories[key] = std::move(history); });
    writeStatus(autoscaler, std::move(decision.status));
  }

  MetricSamples samplesOf(const meta::Object& target, const meta::LabelSelector& selector) {
    const auto ns = target.metadata().ns();
    MetricSamples samples;
    samples.currentReplicas = json::getInt(target.tree(), "spec.replicas", 1);
    for (const auto& pod : pods_.list(ns)) {
      if (selector.matches(pod->metadata().labels())) samples.pods.emplace_back(pod);
    }
    for (const auto& metrics : client_.list(PodMetrics::kResource(), ns, {.labelSelector = selector.text()}).items) {
      samples.usage.emplace_back(metrics);
    }
    return samples;
  }

  std::vector<std::string> rivalsOf(const HorizontalPodAutoscaler& autoscaler) const {
    const auto reference = autoscaler.spec().scaleTargetRef();
    std::vector<std::string> rivals;
    for (const auto& object : autoscalers_.list(autoscaler.metadata().ns())) {
      const auto other = HorizontalPodAutoscaler(object).spec().scaleTargetRef();
      if (other.kind() == reference.kind() && other.name() == reference.name()) rivals.push_back(object->key().text());
    }
    std::sort(rivals.begin(), rivals.end());
    return rivals;
  }

  void rescale(const HorizontalPodAutoscaler& autoscaler, const meta::Object& target, AutoscalerDecision& decision,
               ScalingHistory& history, base::WallTime now) {
    const auto before = json::getInt(target.tree(), "spec.replicas", 1);
    const auto metadata = target.metadata();
    const json::Value scale = json::Object{
        {"apiVersion", "autoscaling/v1"},
        {"kind", "Scale"},
        {"metadata", json::Object{{"name", metadata.name()}, {"namespace", metadata.ns()}, {"uid", metadata.uid()}}},
        {"spec", json::Object{{"replicas", *decision.rescaleTo}}}};
    try {
      client_.update(scalableOf(autoscaler), metadata.ns(), scale, {.subresource = "scale"});
    } catch (const meta::StatusError& error) {
      tell(autoscaler,
           {true, "FailedRescale",
            fmt::format("New size: {}; reason: {}; error: {}", *decision.rescaleTo, decision.reason, error.message())});
      decision.status = statusAfterRefusal(std::move(decision.status), before, error.message(), now);
      return;
    }
    tell(autoscaler,
         {false, "SuccessfulRescale", fmt::format("New size: {}; reason: {}", *decision.rescaleTo, decision.reason)});
    noteRescale(autoscaler, before, *decision.rescaleTo, history, now);
    decision.status = statusAfterRescale(std::move(decision.status), *decision.rescaleTo, now);
  }

  void tell(const HorizontalPodAutoscaler& autoscaler, const AutoscalerEvent& event) {
    events_.record(*autoscaler.object(), event.warning ? Severity::kWarning : Severity::kNormal, event.reason,
                   event.message);
  }

  void writeStatus(const HorizontalPodAutoscaler& autoscaler, json::Object status) {
    applyStatus(client_, HorizontalPodAutoscaler::kResource(), *autoscaler.object(), std::move(status));
  }

  client::Client& client_;
  const base::Clock& clock_;
  client::EventRecorder events_;
  client::Informer& autoscalers_;
  client::Informer& pods_;
  base::Guarded<std::unordered_map<std::string, ScalingHistory>> histories_;
  client::Workqueue queue_{"horizontalpodautoscaler-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeHorizontalPodAutoscalerController(ControllerContext& context) {
  return std::make_unique<HorizontalPodAutoscalerController>(context);
}

}  // namespace wherry::controllers
