// The ipBlocks of rules as ranges of addresses that don't overlap, as the kernel wants them. Pure.
#pragma once

#include <utility>
#include <vector>

#include "policy/network_policy.h"

namespace wherry::policy {

struct BlockRange {
  base::IpAddress first, last;
  PortSet ports;  // of all blocks that have these addresses
  auto operator<=>(const BlockRange&) const = default;
};

// More is not made of the blocks that one pod may meet: who writes policies shall not fill the kernel.
inline constexpr size_t kMostBlockRanges = 20'000;

struct BlockRanges {
  std::vector<BlockRange> ranges;
  bool cut = false;  // there would have been more: what is left out is not allowed
};
// Blocks of the other family are left out. `most`: ranges, and their port ranges.
BlockRanges flattenBlocks(const std::vector<std::pair<IpBlock, PortSet>>& blocks, base::IpFamily family,
                          size_t most = kMostBlockRanges);

}  // namespace wherry::policy
