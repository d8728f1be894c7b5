#include "scheduler/filtering.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::scheduler {

namespace {

Judgement runFilters(const CycleState& cycle, const NodeInfo& node) {
  for (const auto& filter : filters()) {
    Verdict verdict = filter.check(cycle, node);
    if (!verdict.fits()) return {std::move(verdict), filter.relief};
  }
  return {};
}

std::vector<PodInfoPtr> promisedBefore(const CycleState& cycle, const NodeInfo& node) {
  std::vector<PodInfoPtr> promised;
  const auto uid = cycle.pod.pod.metadata().uid();
  for (const auto& other : cycle.cluster.nominatedOn(node.name())) {
    if (other->priority() >= cycle.pod.priority() && other->pod.metadata().uid() != uid) promised.push_back(other);
  }
  return promised;
}

}  // namespace

Judgement judge(const CycleState& cycle, const NodeInfo& node) {
  if (const auto promised = promisedBefore(cycle, node); !promised.empty()) {
    CycleState then = cycle;
    NodeInfo crowded = node;
    for (const auto& pod : promised) {
      crowded.add(pod);
      then.adjust(*pod, node, 1);
    }
    if (auto judgement = runFilters(then, crowded); !judgement.fits()) return judgement;
  }
  return runFilters(cycle, node);
}

std::string Refusals::render(size_t nodes) const {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : counts_) parts.push_back(fmt::format("{} {}", count, reason));
  std::sort(parts.begin(), parts.end());
  return fmt::format("0/{} nodes are available: {}.", nodes, base::join(parts, ", "));
}

}  // namespace wherry::scheduler
