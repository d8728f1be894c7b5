#include <algorithm>
#include <cmath>

#include "scheduler/cycle_state.h"
#include "scheduler/plugins/topology_spread.h"

namespace wherry::scheduler {

namespace {

constexpr std::string_view kHostname = "kubernetes.io/hostname";

struct Wishes {
  SpreadConstraints constraints;
  bool requireAllKeys = true;  // a node without one of the labels is none of the choice
};

Wishes wishesOf(const CycleState& cycle) {
  if (!cycle.pod.pod.spec().topologySpreadConstraints().empty()) {
    return {spreadConstraintsOf(cycle.pod.pod, kScheduleAnyway)};
  }
  const auto siblings = cycle.siblings ? cycle.siblings(cycle.pod.pod) : meta::LabelSelector::nothing();
  if (siblings.requirements().empty()) return {};
  return {defaultSpreadConstraints(siblings), false};
}

// How many pods match, by node.
std::unordered_map<const NodeInfo*, int64_t> countByNode(const SpreadConstraint& constraint, const CycleState& cycle) {
  std::unordered_map<const NodeInfo*, int64_t> counts;
  cycle.cluster.groups().forEachIn(cycle.pod.pod.metadata().ns(), [&](const PodGroups::Group& group) {
    if (group.deleting || !constraint.selector.matches(group.labels())) return;
    for (const auto& [node, count] : group.counts) counts[node] += count;
  });
  return counts;
}

// One constraint's part in the score of nodes: the more pods a domain has, the worse.
class Crowding {
 public:
  Crowding(const SpreadConstraint& constraint, const CycleState& cycle, const Wishes& wishes, const NodeList& choice)
      : constraint_(constraint), byNode_(countByNode(constraint, cycle)) {
    if (constraint.topologyKey == kHostname) {
      weight_ = weightOf(choice.size());
      return;
    }
    for (const auto* node : choice) {
      if (const auto domain = node->label(constraint.topologyKey)) byDomain_.emplace(*domain, 0);
    }
    weight_ = weightOf(byDomain_.size());
    for (const auto& [node, count] : byNode_) addToDomain(*node, count, cycle, wishes);
  }

  double of(const NodeInfo& node) const {
    const auto domain = node.label(constraint_.topologyKey);
    if (!domain) return 0;
    return static_cast<double>(countAt(node, *domain)) * weight_ + static_cast<double>(constraint_.maxSkew - 1);
  }

 private:
  // A skew over few domains weighs less than the same over many.
  static double weightOf(size_t domains) { return std::log(static_cast<double>(domains) + 2); }

  void addToDomain(const NodeInfo& node, int64_t count, const CycleState& cycle, const Wishes& wishes) {
    if (!node.known() || !includes(constraint_, cycle.pod, node)) return;
    if (wishes.requireAllKeys && !hasAllKeys(node, wishes.constraints)) return;
    const auto domain = node.label(constraint_.topologyKey);
    const auto found = domain ? byDomain_.find(*domain) : byDomain_.end();
    if (found != byDomain_.end()) found->second += count;
  }

  int64_t countAt(const NodeInfo& node, std::string_view domain) const {
    if (constraint_.topologyKey == kHostname) {
      const auto found = byNode_.find(&node);
      return found == byNode_.end() ? 0 : found->second;
    }
    const auto found = byDomain_.find(domain);
    return found == byDomain_.end() ? 0 : found->second;
  }

  const SpreadConstraint& constraint_;
  std::unordered_map<const NodeInfo*, int64_t> byNode_;
  std::unordered_map<std::string_view, int64_t> byDomain_;
  double weight_ = 0;
};

// The least crowded gets kBestScore.
void turnAround(std::vector<int64_t>& scores, const std::vector<bool>& isChoice) {
  int64_t lowest = INT64_MAX, highest = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!isChoice[i]) continue;
    lowest = std::min(lowest, scores[i]);
    highest = std::max(highest, scores[i]);
  }
  for (size_t i = 0; i < scores.size(); ++i) {
    if (!isChoice[i]) {
      scores[i] = 0;
    } else {
      scores[i] = highest == 0 ? kBestScore : kBestScore * (highest + lowest - scores[i]) / highest;
    }
  }
}

}  // namespace

std::vector<int64_t> scoreTopologySpread(const CycleState& cycle, const NodeList& nodes) {
  std::vector<int64_t> scores(nodes.size());
  const Wishes wishes = wishesOf(cycle);
  if (wishes.constraints.empty()) return scores;
  std::vector<bool> isChoice;
  NodeList choice;
  for (const auto* node : nodes) {
    isChoice.push_back(!wishes.requireAllKeys || hasAllKeys(*node, wishes.constraints));
    if (isChoice.back()) choice.push_back(node);
  }
  std::vector<double> sums(nodes.size());
  for (const auto& constraint : wishes.constraints) {
    const Crowding crowding(constraint, cycle, wishes, choice);
    for (size_t i = 0; i < nodes.size(); ++i) sums[i] += crowding.of(*nodes[i]);
  }
  for (size_t i = 0; i < nodes.size(); ++i) scores[i] = std::llround(sums[i]);
  turnAround(scores, isChoice);
  return scores;
}

}  // namespace wherry::scheduler
