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

// Those that the term's fields allow; nothing when they don't say.
std::optional<std::set<std::string_view>> namesOf(const core_v1::NodeSelectorTerm& term) {
  std::optional<std::set<std::string_view>> names;
  for (const auto requirement : term.matchFields()) {
    if (requirement.key() != "metadata.name" || requirement.operator_() != "In") continue;
    std::set<std::string_view> those;
    for (const auto name : requirement.values()) {
      if (!names || names->contains(name)) those.insert(name);
    }
    names = std::move(those);
  }
  return names;
}

}  // namespace

std::optional<std::set<std::string_view>> namedNodes(const core_v1::Pod& pod) {
  const auto required = pod.spec().affinity().nodeAffinity().requiredDuringSchedulingIgnoredDuringExecution();
  std::optional<std::set<std::string_view>> all;
  for (const auto term : required.nodeSelectorTerms()) {
    const auto names = namesOf(term);
    if (!names) return std::nullopt;
    if (!all) all.emplace();
    all->insert(names->begin(), names->end());
  }
  return all;
}

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
