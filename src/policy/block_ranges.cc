#include "policy/block_ranges.h"

#include <algorithm>
#include <map>
#include <optional>

namespace wherry::policy {
namespace {

using base::IpAddress;

// REQUIRES: it is not the first of its family.
IpAddress addressBefore(const IpAddress& address) {
  std::string bytes = address.bytes();
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) {
    if ((*at)-- != 0) break;
  }
  return *IpAddress::fromBytes(bytes);
}

// Calls f(first, last) for what is left of the block, in order.
template <typename F>
void forEachPart(const IpBlock& block, F f) {
  std::vector<base::IpPrefix> except = block.except;
  std::sort(except.begin(), except.end());
  IpAddress next = block.cidr.address();
  const IpAddress end = block.cidr.last();
  for (const base::IpPrefix& hole : except) {
    if (!block.cidr.contains(hole.address()) || hole.last() < next) continue;
    if (next < hole.address()) f(next, addressBefore(hole.address()));
    if (hole.last() == end) return;
    next = hole.last().plus(1);
  }
  f(next, end);
}

// Which sets of ports begin and end to hold at an address.
struct Turn {
  std::vector<size_t> begin, end;
};
using Turns = std::map<IpAddress, Turn>;

class Sweep {
 public:
  explicit Sweep(const std::vector<PortSet>& sets, size_t most) : sets_(sets), left_(most) {}

  void turn(const Turn& at) {
    for (size_t set : at.begin) ++active_[set];
    for (size_t set : at.end) {
      if (--active_[set] == 0) active_.erase(set);
    }
    if (!at.begin.empty() || !at.end.empty()) now_.reset();
  }

  void cover(const IpAddress& first, const IpAddress& last) {
    if (active_.empty() || out_.cut) return;
    if (!now_) now_ = joined();
    auto& ranges = out_.ranges;
    if (!ranges.empty() && ranges.back().last.plus(1) == first && ranges.back().ports == *now_) {
      ranges.back().last = last;
      return;
    }
    size_t cost = 1 + now_->ranges().size();
    out_.cut = cost > left_;
    if (out_.cut) return;
    left_ -= cost;
    ranges.push_back({first, last, *now_});
  }

  BlockRanges take() { return std::move(out_); }

 private:
  PortSet joined() const {
    PortSet all;
    for (const auto& [set, count] : active_) all.add(sets_[set]);
    return all;
  }

  const std::vector<PortSet>& sets_;
  size_t left_;
  std::map<size_t, size_t> active_;
  std::optional<PortSet> now_;
  BlockRanges out_;
};

}  // namespace

BlockRanges flattenBlocks(const std::vector<std::pair<IpBlock, PortSet>>& blocks, base::IpFamily family, size_t most) {
  std::map<PortSet, size_t> numbers;
  std::vector<PortSet> sets;
  Turns turns;
  const IpAddress lastOfAll = base::IpPrefix::all(family).last();
  for (const auto& [block, ports] : blocks) {
    if (block.cidr.family() != family || ports.ranges().empty()) continue;
    auto [known, isNew] = numbers.try_emplace(ports, sets.size());
    if (isNew) sets.push_back(ports);
    size_t set = known->second;
    forEachPart(block, [&](const IpAddress& first, const IpAddress& last) {
      turns[first].begin.push_back(set);
      if (last != lastOfAll) turns[last.plus(1)].end.push_back(set);
    });
  }
  Sweep sweep(sets, most);
  for (auto at = turns.begin(); at != turns.end(); ++at) {
    sweep.turn(at->second);
    auto next = std::next(at);
    sweep.cover(at->first, next == turns.end() ? lastOfAll : addressBefore(next->first));
  }
  return sweep.take();
}

}  // namespace wherry::policy
