#include "scheduler/preemption.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

namespace wherry::scheduler {

namespace {

using core_v1::Pod;

std::string_view startOf(const PodInfo& pod) {
  const auto start = pod.pod.status().startTime();
  return start.empty() ? "~" : start;  // not started: after all others
}

// Higher priority first; among equals whoever runs for longer.
bool isMoreImportant(const PodInfoPtr& a, const PodInfoPtr& b) {
  if (a->priority() != b->priority()) return a->priority() > b->priority();
  return startOf(*a) < startOf(*b);
}

bool isBeingPreempted(const Pod& pod) {
  if (!pod.metadata().deleting()) return false;
  for (const auto condition : pod.status().conditions()) {
    if (condition.type() == "DisruptionTarget") {
      return condition.status() == "True" && condition.reason() == "PreemptionByScheduler";
    }
  }
  return false;
}

// Which of the pods would break a budget, if all of them went in this order.
std::vector<bool> breakBudgets(const std::vector<PodInfoPtr>& pods, std::vector<Budget> budgets) {
  std::vector<bool> broken;
  for (const auto& pod : pods) {
    const auto metadata = pod->pod.metadata();
    bool breaks = false;
    for (auto& budget : budgets) {
      const bool covers =
          budget.ns == metadata.ns() && !budget.selector.isEverything() && budget.selector.matches(metadata.labels());
      if (!covers || budget.disrupted.contains(metadata.name())) continue;
      breaks = --budget.allowed < 0 || breaks;
    }
    broken.push_back(breaks);
  }
  return broken;
}

struct Candidate {
  const NodeInfo* node = nullptr;
  std::vector<PodInfoPtr> victims;  // the most important first
  int64_t broken = 0;               // budgets
};

// One node, from which pods are taken on paper.
class Trial {
 public:
  Trial(const CycleState& cycle, const NodeInfo& node) : real_(node), cycle_(cycle), node_(node) {}

  void remove(const PodInfoPtr& pod) {
    node_.remove(pod);
    cycle_.adjust(*pod, real_, -1);
  }
  // Puts the pod back when there is room for both; false when there isn't.
  bool spares(const PodInfoPtr& pod) {
    node_.add(pod);
    cycle_.adjust(*pod, real_, 1);
    if (judge().fits()) return true;
    remove(pod);
    return false;
  }
  Judgement judge() const { return scheduler::judge(cycle_, node_); }

 private:
  const NodeInfo& real_;
  CycleState cycle_;
  NodeInfo node_;
};

// Nothing when preemption does not help there; `why` then says so.
std::optional<Candidate> tryNode(const CycleState& cycle, const NodeInfo& node, const std::vector<Budget>& budgets,
                                 Reasons& why) {
  std::vector<PodInfoPtr> lower;
  std::copy_if(node.pods().begin(), node.pods().end(), std::back_inserter(lower),
               [&](const PodInfoPtr& pod) { return pod->priority() < cycle.pod.priority(); });
  if (lower.empty()) {
    why = {"No preemption victims found for incoming pod"};
    return std::nullopt;
  }
  Trial trial(cycle, node);
  for (const auto& pod : lower) trial.remove(pod);
  if (auto judgement = trial.judge(); !judgement.fits()) {
    why = std::move(judgement.reasons);
    return std::nullopt;
  }
  std::stable_sort(lower.begin(), lower.end(), isMoreImportant);
  const auto broken = breakBudgets(lower, budgets);
  Candidate candidate{&node, {}, 0};
  // Those of broken budgets are spared first, each kind by importance.
  for (const bool breaks : {true, false}) {
    for (size_t i = 0; i < lower.size(); ++i) {
      if (broken[i] != breaks || trial.spares(lower[i])) continue;
      candidate.victims.push_back(lower[i]);
      candidate.broken += breaks ? 1 : 0;
    }
  }
  std::stable_sort(candidate.victims.begin(), candidate.victims.end(), isMoreImportant);
  return candidate;
}

int64_t highestPriority(const Candidate& candidate) {
  return candidate.victims.empty() ? std::numeric_limits<int64_t>::min() : candidate.victims.front()->priority();
}

// Victims of negative priority count too.
int64_t prioritySum(const Candidate& candidate) {
  int64_t sum = 0;
  for (const auto& victim : candidate.victims) sum += victim->priority() + (int64_t{1} << 31);
  return sum;
}

// When the first of the most important victims started.
std::string_view earliestStart(const Candidate& candidate) {
  std::string_view earliest = "~";
  for (const auto& victim : candidate.victims) {
    if (victim->priority() == highestPriority(candidate)) earliest = std::min(earliest, startOf(*victim));
  }
  return earliest;
}

bool isBetter(const Candidate& a, const Candidate& b) {
  const auto costs = [](const Candidate& c) {
    return std::tuple(c.broken, highestPriority(c), prioritySum(c), c.victims.size());
  };
  const auto costsOfA = costs(a), costsOfB = costs(b);
  return costsOfA != costsOfB ? costsOfA < costsOfB : earliestStart(a) > earliestStart(b);
}

// A tenth of the nodes, but 100 at least: so many that would do are compared.
size_t enoughCandidates(size_t nodes) { return std::min(std::max<size_t>(nodes / 10, 100), nodes); }

// Why the pod must not preempt anybody now; "" when it may.
std::string_view ineligible(const CycleState& cycle, const std::vector<Refused>& refused) {
  if (cycle.pod.pod.spec().preemptionPolicy() == "Never") return "not eligible due to preemptionPolicy=Never.";
  const auto promised = cycle.cluster.nominatedNode(cycle.pod.pod.key());
  for (const auto& [node, verdict] : refused) {
    if (node->name() != promised || verdict.preemption == Preemption::kFutile) continue;
    for (const auto& pod : node->pods()) {
      if (pod->priority() < cycle.pod.priority() && isBeingPreempted(pod->pod)) {
        return "not eligible due to a terminating pod on the nominated node.";
      }
    }
  }
  return {};
}

}  // namespace

Budget budgetOf(const policy_v1::PodDisruptionBudget& budget) {
  Budget read{.ns = std::string(budget.metadata().ns()),
              .selector = meta::LabelSelector::fromObject(budget.spec().field("selector")),
              .allowed = budget.status().disruptionsAllowed(),
              .disrupted = {}};
  if (const auto* disrupted = budget.status().field("disruptedPods"); disrupted && disrupted->is_object()) {
    for (const auto& pod : disrupted->get_object()) read.disrupted.emplace(pod.key());
  }
  return read;
}

PreemptionPlan decidePreemption(const CycleState& cycle, const std::vector<Refused>& refused,
                                const std::vector<Budget>& budgets, const Pick& pick) {
  if (const auto why = ineligible(cycle, refused); !why.empty()) {
    return {.node = {},
            .message = "preemption: " + std::string(why),
            .keepsPromise = why.ends_with("node."),
            .victims = {}};
  }
  Refusals refusals;
  std::vector<const NodeInfo*> hopeful;
  for (const auto& [node, verdict] : refused) {
    if (verdict.preemption == Preemption::kMayHelp) {
      hopeful.push_back(node);
    } else {
      refusals.add({"Preemption is not helpful for scheduling"});
    }
  }
  const size_t first = hopeful.empty() ? 0 : pick(hopeful.size());
  std::optional<Candidate> best;
  size_t found = 0;
  for (size_t i = 0; i < hopeful.size() && found < enoughCandidates(hopeful.size()); ++i) {
    Reasons why;
    auto candidate = tryNode(cycle, *hopeful[(first + i) % hopeful.size()], budgets, why);
    refusals.add(why);
    if (!candidate) continue;
    ++found;
    if (!best || isBetter(*candidate, *best)) best = std::move(candidate);
  }
  if (!best)
    return {
        .node = {}, .message = "preemption: " + refusals.render(refused.size()), .keepsPromise = false, .victims = {}};
  return {.node = std::string(best->node->name()),
          .message = {},
          .keepsPromise = false,
          .victims = std::move(best->victims)};
}

}  // namespace wherry::scheduler
