#include "scheduler/plugins/node_affinity.h"

#include "base/strings.h"

namespace wherry::scheduler {

namespace {

using core_v1::NodeSelectorRequirement;
using core_v1::NodeSelectorTerm;

bool contains(const NodeSelectorRequirement& requirement, std::string_view value) {
  for (const auto wanted : requirement.values()) {
    if (wanted == value) return true;
  }
  return false;
}

// Gt and Lt compare whole numbers; anything else matches neither.
bool compares(const NodeSelectorRequirement& requirement, std::string_view value) {
  const auto have = base::parseInt<int64_t>(value);
  const auto bound = requirement.values().empty() ? std::nullopt : base::parseInt<int64_t>(requirement.values()[0]);
  if (!have || !bound) return false;
  return requirement.operator_() == "Gt" ? *have > *bound : *have < *bound;
}

// `value` is null when the node has no such label.
bool matches(const NodeSelectorRequirement& requirement, const json::Value* value) {
  const auto op = requirement.operator_();
  const bool there = value && value->is_string();
  if (op == "Exists") return there;
  if (op == "DoesNotExist") return !there;
  if (op == "NotIn") return !there || !contains(requirement, value->get_string());
  if (!there) return false;
  return op == "In" ? contains(requirement, value->get_string()) : compares(requirement, value->get_string());
}

bool matches(const NodeSelectorTerm& term, const NodeInfo& node) {
  // An empty term matches nothing.
  if (term.matchExpressions().empty() && term.matchFields().empty()) return false;
  const auto& labels = node.node().metadata().labels();
  for (const auto requirement : term.matchExpressions()) {
    if (!matches(requirement, labels.if_contains(requirement.key()))) return false;
  }
  const json::Value name(node.name());
  for (const auto requirement : term.matchFields()) {
    if (requirement.key() != "metadata.name" || !matches(requirement, &name)) return false;
  }
  return true;
}

bool matchesSelector(const core_v1::PodSpec& pod, const NodeInfo& node) {
  for (const auto& wanted : pod.nodeSelector().tree()) {
    const auto* have = node.node().metadata().labels().if_contains(wanted.key());
    if (!have || *have != wanted.value()) return false;
  }
  return true;
}

bool matchesAffinity(const core_v1::PodSpec& pod, const NodeInfo& node) {
  const auto required = pod.affinity().nodeAffinity().requiredDuringSchedulingIgnoredDuringExecution();
  return !required || matchesAnyTerm(required, node);
}

}  // namespace

bool matchesAnyTerm(const core_v1::NodeSelector& selector, const NodeInfo& node) {
  for (const auto term : selector.nodeSelectorTerms()) {
    if (matches(term, node)) return true;
  }
  return false;
}

Reasons filterNodeAffinity(const PodInfo& pod, const NodeInfo& node) {
  const auto spec = pod.pod.spec();
  if (matchesSelector(spec, node) && matchesAffinity(spec, node)) return {};
  return {"node(s) didn't match Pod's node affinity/selector"};
}

int64_t scoreNodeAffinity(const PodInfo& pod, const NodeInfo& node) {
  int64_t sum = 0;
  for (const auto term : pod.pod.spec().affinity().nodeAffinity().preferredDuringSchedulingIgnoredDuringExecution()) {
    if (matches(term.preference(), node)) sum += term.weight();
  }
  return sum;
}

}  // namespace wherry::scheduler
