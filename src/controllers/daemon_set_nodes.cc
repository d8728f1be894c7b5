#include "controllers/daemon_set_nodes.h"

#include <algorithm>
#include <tuple>

#include "controllers/controller_revision.h"
#include "controllers/daemon_set.h"
#include "controllers/pod_state.h"

namespace wherry::controllers {

using core_v1::Pod;

PodsByNode podsByNode(const std::vector<Pod>& pods) {
  PodsByNode nodes;
  for (const Pod& pod : pods) {
    if (isTerminal(pod) && pod.metadata().deleting()) continue;
    const auto node = targetNode(pod);
    if (!node.empty()) nodes[std::string(node)].push_back(pod);
  }
  const auto rank = [](const Pod& pod) {
    return std::tuple(pod.spec().nodeName().empty(), pod.metadata().creationTimestamp(), pod.metadata().name());
  };
  for (auto& [node, on] : nodes) {
    std::sort(on.begin(), on.end(), [&](const Pod& a, const Pod& b) { return rank(a) < rank(b); });
  }
  return nodes;
}

bool isUpdated(const apps_v1::DaemonSet& set, const Pod& pod, std::string_view hash) {
  const auto generation = set.metadata().annotation(kTemplateGeneration);
  const bool sameTemplate = !generation.empty() && pod.metadata().label(kTemplateGenerationLabel) == generation;
  return sameTemplate || (!hash.empty() && pod.metadata().label(kRevisionLabel) == hash);
}

}  // namespace wherry::controllers
