#include "scheduler/preemptor.h"

#include <fmt/format.h>

#include "meta/time.h"
#include "scheduler/pod_condition.h"

namespace wherry::scheduler {

using core_v1::Pod;

void Preemptor::remove(const PodInfo& preemptor, const PreemptionPlan& plan) const {
  for (const auto& victim : plan.victims) removeOne(victim->pod, preemptor.pod, plan.node);
}

void Preemptor::removeOne(const Pod& victim, const Pod& preemptor, const std::string& node) const {
  const auto metadata = victim.metadata();
  if (metadata.deleting()) return;  // it goes already
  try {
    client_.patch(Pod::kResource(), metadata.ns(), metadata.name(), client::PatchType::kStrategic,
                  preemptedPatch(victim, preemptor.spec().schedulerName(), meta::formatTime(clock_.now())),
                  {.subresource = "status"});
    client_.remove(Pod::kResource(), metadata.ns(), metadata.name(), {.uid = std::string(metadata.uid())});
    events_.record(*victim.object(), client::Severity::kNormal, "Preempted",
                   fmt::format("Preempted by pod {} on node {}", preemptor.metadata().uid(), node));
  } catch (const meta::StatusError& error) {
    if (!error.isNotFound()) log_.warn("preempting {}: {}", victim.key().text(), error.message());
  }
}

void Preemptor::takeBackPromise(const Pod& pod) const {
  const json::Value patch = json::Object{{"metadata", json::Object{{"uid", pod.metadata().uid()}}},
                                         {"status", json::Object{{"nominatedNodeName", nullptr}}}};
  try {
    client_.patch(Pod::kResource(), pod.metadata().ns(), pod.metadata().name(), client::PatchType::kStrategic, patch,
                  {.subresource = "status"});
  } catch (const meta::StatusError& error) {
    log_.debug("the promise to {}: {}", pod.key().text(), error.message());
  }
}

}  // namespace wherry::scheduler
