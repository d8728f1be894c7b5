#include "scheduler/pod_condition.h"

namespace wherry::scheduler {

json::Value bindingOf(const core_v1::Pod& pod, std::string_view node) {
  const auto metadata = pod.metadata();
  return json::Object{
      {"apiVersion", "v1"},
      {"kind", "Binding"},
      {"metadata", json::Object{{"namespace", metadata.ns()}, {"name", metadata.name()}, {"uid", metadata.uid()}}},
      {"target", json::Object{{"kind", "Node"}, {"name", node}}}};
}

namespace {

bool says(const core_v1::PodCondition& condition, const std::string& message) {
  return condition.status() == "False" && condition.reason() == "Unschedulable" && condition.message() == message;
}

}  // namespace

std::optional<json::Object> decideUnschedulable(const core_v1::Pod& pod, const std::string& message,
                                                std::string_view nominatedNode, std::string_view now) {
  json::Object status;
  std::string transition(now);
  bool told = false;
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() != "PodScheduled") continue;
    told = says(condition, message);
    if (condition.status() == "False" && !condition.lastTransitionTime().empty()) {
      transition = condition.lastTransitionTime();
    }
  }
  if (!told) {
    status["conditions"] = json::Array{json::Object{{"type", "PodScheduled"},
                                                    {"status", "False"},
                                                    {"lastProbeTime", nullptr},
                                                    {"lastTransitionTime", transition},
                                                    {"reason", "Unschedulable"},
                                                    {"message", message}}};
  }
  if (pod.status().nominatedNodeName() != nominatedNode) {
    status["nominatedNodeName"] = nominatedNode.empty() ? json::Value() : json::Value(nominatedNode);
  }
  if (status.empty()) return std::nullopt;
  return status;
}

json::Value preemptedPatch(const core_v1::Pod& victim, std::string_view schedulerName, std::string_view now) {
  json::Object condition{{"type", "DisruptionTarget"},
                         {"status", "True"},
                         {"reason", "PreemptionByScheduler"},
                         {"message", std::string(schedulerName) + ": preempting to accommodate a higher priority pod"},
                         {"lastTransitionTime", now}};
  return json::Object{{"metadata", json::Object{{"uid", victim.metadata().uid()}}},
                      {"status", json::Object{{"conditions", json::Array{std::move(condition)}}}}};
}

}  // namespace wherry::scheduler
