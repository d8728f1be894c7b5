#include "scheduler/plugins/node_affinity.h"

#include "meta/node_selector.h"

namespace wherry::scheduler {

namespace {

bool matchesSelector(const core_v1::PodSpec& pod, const NodeInfo& node) {
  for (const auto& wanted : pod.nodeSelector().tree()) {
    const auto* have = node.node().metadata().labels().if_contains(wanted.key());
    if (!have || *have != wanted.value()) return false;
  }
  return true;
}

bool matchesAffinity(const core_v1::PodSpec& pod, const NodeInfo& node) {
  const auto required = pod.affinity().nodeAffinity().requiredDuringSchedulingIgnoredDuringExecution();
  return !required || meta::matchesNodeSelector(required.tree(), node.node().metadata());
}

}  // namespace

Reasons filterNodeAffinity(const PodInfo& pod, const NodeInfo& node) {
  const auto spec = pod.pod.spec();
  if (matchesSelector(spec, node) && matchesAffinity(spec, node)) return {};
  return {"node(s) didn't match Pod's node affinity/selector"};
}

int64_t scoreNodeAffinity(const PodInfo& pod, const NodeInfo& node) {
  int64_t sum = 0;
  for (const auto term : pod.pod.spec().affinity().nodeAffinity().preferredDuringSchedulingIgnoredDuringExecution()) {
    if (meta::matchesNodeSelectorTerm(term.preference().tree(), node.node().metadata())) sum += term.weight();
  }
  return sum;
}

}  // namespace wherry::scheduler
