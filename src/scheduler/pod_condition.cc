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

std::optional<json::Array> decideUnschedulable(const core_v1::Pod& pod, const std::string& message,
                                               std::string_view now) {
  std::string transition(now);
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() != "PodScheduled" || condition.status() != "False") continue;
    if (condition.reason() == "Unschedulable" && condition.message() == message) return std::nullopt;
    transition = condition.lastTransitionTime();
  }
  return json::Array{json::Object{{"type", "PodScheduled"},
                                  {"status", "False"},
                                  {"lastProbeTime", nullptr},
                                  {"lastTransitionTime", transition},
                                  {"reason", "Unschedulable"},
                                  {"message", message}}};
}

}  // namespace wherry::scheduler
