#include "scheduler/plugins/inter_pod_affinity.h"

#include <algorithm>

#include "scheduler/cycle_state.h"

namespace wherry::scheduler {

namespace {

// What a required affinity term of a pod there counts when nodes are compared; upstream's default.
constexpr int64_t kHardPodAffinityWeight = 1;

bool matches(const AffinityTerm& term, const PodInfo& pod, const ClusterCache& cluster) {
  const auto metadata = pod.pod.metadata();
  return term.matches(metadata.ns(), cluster.labelsOfNamespace(metadata.ns()), metadata.labels());
}

bool matchesAll(const std::vector<AffinityTerm>& terms, const PodInfo& pod, const ClusterCache& cluster) {
  return std::all_of(terms.begin(), terms.end(), [&](const auto& term) { return matches(term, pod, cluster); });
}

// Calls add(counts, key) for each term between the two that matches.
template <typename Counts, typename Add>
void countForbidding(Counts& counts, const PodInfo& pod, const PodInfo& other, const ClusterCache& cluster, Add&& add) {
  for (const auto& term : other.affinity.requiredAnti) {
    if (matches(term, pod, cluster)) add(counts.forbidding, term.topologyKey);
  }
}

template <typename Counts, typename Add>
void countOwnTerms(Counts& counts, const PodInfo& pod, const PodInfo& other, const ClusterCache& cluster, Add&& add) {
  const auto& own = pod.affinity;
  if (!own.required.empty() && matchesAll(own.required, other, cluster)) {
    for (const auto& term : own.required) add(counts.wanted, term.topologyKey);
  }
  for (const auto& term : own.requiredAnti) {
    if (matches(term, other, cluster)) add(counts.unwanted, term.topologyKey);
  }
}

auto addAll(const PodGroups::Group& group) {
  return [&group](TopologyCounts& counts, std::string_view key) {
    for (const auto& [node, count] : group.counts) counts.add(key, *node, count);
  };
}

// The first of a series of pods that want each other may go anywhere where the domains exist.
bool isFirstOfItsKind(const CycleState& cycle) {
  return cycle.affinity.wanted.empty() && matchesAll(cycle.pod.affinity.required, cycle.pod, cycle.cluster);
}

bool isWanted(const CycleState& cycle, const NodeInfo& node) {
  bool found = true;
  for (const auto& term : cycle.pod.affinity.required) {
    if (!node.label(term.topologyKey)) return false;
    found = found && cycle.affinity.wanted.of(term.topologyKey, node) > 0;
  }
  return found || isFirstOfItsKind(cycle);
}

bool isUnwanted(const CycleState& cycle, const NodeInfo& node) {
  const auto& terms = cycle.pod.affinity.requiredAnti;
  return std::any_of(terms.begin(), terms.end(),
                     [&](const auto& term) { return cycle.affinity.unwanted.of(term.topologyKey, node) > 0; });
}

// Weights by topology domain.
class Weights {
 public:
  explicit Weights(const CycleState& cycle) : cycle_(cycle) {}

  void addOwnTerms(const PodGroups::Group& group) {
    add(cycle_.pod.affinity.preferred, *group.sample, 1, group);
    add(cycle_.pod.affinity.preferredAnti, *group.sample, -1, group);
  }
  void addTheirTerms(const PodGroups::Group& group) {
    const auto& terms = group.sample->affinity;
    add(terms.preferred, cycle_.pod, 1, group);
    add(terms.preferredAnti, cycle_.pod, -1, group);
    for (const auto& term : terms.required) {
      if (matches(term, cycle_.pod, cycle_.cluster)) addAt(term.topologyKey, kHardPodAffinityWeight, group);
    }
  }
  const TopologyCounts& counts() const { return counts_; }

 private:
  void add(const std::vector<AffinityTerm>& terms, const PodInfo& target, int64_t sign, const PodGroups::Group& group) {
    for (const auto& term : terms) {
      if (matches(term, target, cycle_.cluster)) addAt(term.topologyKey, sign * term.weight, group);
    }
  }
  void addAt(std::string_view key, int64_t weight, const PodGroups::Group& group) {
    for (const auto& [node, count] : group.counts) counts_.add(key, *node, weight * count);
  }

  const CycleState& cycle_;
  TopologyCounts counts_;
};

// The worst is 0, the best kBestScore; all are 0 when they are equal.
void spreadOut(std::vector<int64_t>& scores) {
  const auto [lowest, highest] = std::minmax_element(scores.begin(), scores.end());
  const int64_t low = *lowest, range = *highest - *lowest;
  for (auto& score : scores) score = range == 0 ? 0 : kBestScore * (score - low) / range;
}

}  // namespace

AffinityCounts countAffinity(const PodInfo& pod, const ClusterCache& cluster) {
  AffinityCounts counts;
  for (const auto* group : cluster.groups().withRequiredAnti()) {
    countForbidding(counts, pod, *group->sample, cluster, addAll(*group));
  }
  if (pod.affinity.required.empty() && pod.affinity.requiredAnti.empty()) return counts;
  cluster.groups().forEach(
      [&](const PodGroups::Group& group) { countOwnTerms(counts, pod, *group.sample, cluster, addAll(group)); });
  return counts;
}

void adjustAffinity(AffinityCounts& counts, const PodInfo& pod, const PodInfo& other, const NodeInfo& node, int64_t by,
                    const ClusterCache& cluster) {
  const auto add = [&](TopologyCounts& of, std::string_view key) { of.add(key, node, by); };
  countForbidding(counts, pod, other, cluster, add);
  countOwnTerms(counts, pod, other, cluster, add);
}

Verdict filterInterPodAffinity(const CycleState& cycle, const NodeInfo& node) {
  if (!isWanted(cycle, node)) return {{"node(s) didn't match pod affinity rules"}, Preemption::kFutile};
  if (isUnwanted(cycle, node)) return {{"node(s) didn't match pod anti-affinity rules"}, Preemption::kMayHelp};
  if (!cycle.affinity.forbidding.anyOf(node)) return {};
  return {{"node(s) didn't satisfy existing pods anti-affinity rules"}, Preemption::kMayHelp};
}

std::vector<int64_t> scoreInterPodAffinity(const CycleState& cycle, const NodeList& nodes) {
  Weights weights(cycle);
  const auto& own = cycle.pod.affinity;
  if (!own.preferred.empty() || !own.preferredAnti.empty()) {
    cycle.cluster.groups().forEach([&](const PodGroups::Group& group) { weights.addOwnTerms(group); });
  }
  for (const auto* group : cycle.cluster.groups().withTerms()) weights.addTheirTerms(*group);
  std::vector<int64_t> scores(nodes.size());
  if (weights.counts().empty()) return scores;
  for (size_t i = 0; i < nodes.size(); ++i) scores[i] = weights.counts().sumOf(*nodes[i]);
  spreadOut(scores);
  return scores;
}

}  // namespace wherry::scheduler
