#include "scheduler/cycle.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::scheduler {

namespace {

// Why nodes were refused, counted.
class Refusals {
 public:
  void add(const Filter& filter, const Reasons& reasons) {
    for (const auto& reason : reasons) ++counts_[reason];
    relief_ = relief_ | filter.relief;
  }

  std::string render(size_t nodes) const {
    if (nodes == 0) return "no nodes available to schedule pods";
    std::vector<std::string> parts;
    for (const auto& [reason, count] : counts_) parts.push_back(fmt::format("{} {}", count, reason));
    std::sort(parts.begin(), parts.end());
    return fmt::format("0/{} nodes are available: {}.", nodes, base::join(parts, ", "));
  }

  Relief relief() const { return relief_; }

 private:
  std::map<std::string, int> counts_;
  Relief relief_ = Relief::kNodeChange;
};

// The first filter that refuses decides; the others are not asked.
bool passes(const PodInfo& pod, const NodeInfo& node, Refusals& refusals) {
  for (const auto& filter : filters()) {
    const auto reasons = filter.check(pod, node);
    if (reasons.empty()) continue;
    refusals.add(filter, reasons);
    return false;
  }
  return true;
}

void normalize(std::vector<int64_t>& rates, Scale scale) {
  if (scale == Scale::kAsIs) return;
  const int64_t highest = *std::max_element(rates.begin(), rates.end());
  for (auto& rate : rates) {
    const int64_t part = highest == 0 ? 0 : rate * kBestScore / highest;
    rate = scale == Scale::kHighestIsBest ? part : kBestScore - part;
  }
}

std::vector<int64_t> totals(const PodInfo& pod, const std::vector<const NodeInfo*>& nodes) {
  std::vector<int64_t> sums(nodes.size());
  for (const auto& score : scores()) {
    std::vector<int64_t> rates;
    for (const auto* node : nodes) rates.push_back(score.rate(pod, *node));
    normalize(rates, score.scale);
    for (size_t i = 0; i < nodes.size(); ++i) sums[i] += score.weight * rates[i];
  }
  return sums;
}

const NodeInfo& best(const PodInfo& pod, const std::vector<const NodeInfo*>& nodes, const Pick& pick) {
  if (nodes.size() == 1) return *nodes.front();
  const auto sums = totals(pod, nodes);
  const int64_t highest = *std::max_element(sums.begin(), sums.end());
  std::vector<const NodeInfo*> equals;
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (sums[i] == highest) equals.push_back(nodes[i]);
  }
  return *equals[pick(equals.size())];
}

}  // namespace

Placement decidePlacement(const PodInfo& pod, const Nodes& nodes, const Pick& pick) {
  Refusals refusals;
  std::vector<const NodeInfo*> feasible;
  size_t known = 0;
  for (const auto& [name, node] : nodes) {
    if (!node.known()) continue;
    ++known;
    if (passes(pod, node, refusals)) feasible.push_back(&node);
  }
  if (feasible.empty()) return {"", refusals.render(known), refusals.relief()};
  return {std::string(best(pod, feasible, pick).name()), "", Relief::kNodeChange};
}

}  // namespace wherry::scheduler
