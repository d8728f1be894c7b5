// Plugin: one rule of the scheduler. A filter says why a pod can't run on a node; a score says how well it would. Each
// is one file in plugins/ and one line in plugins.cc. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/snapshot.h"

namespace wherry::scheduler {

struct CycleState;  // cycle_state.h: what a rule may need to know beyond the node
using NodeList = std::vector<const NodeInfo*>;

// Why not, as `kubectl describe pod` shows it ("Insufficient cpu"); empty when the node will do.
using Reasons = std::vector<std::string>;

// Whether the node would do if pods of lower priority went.
enum class Preemption : uint8_t { kFutile, kMayHelp };

struct Verdict {
  Reasons reasons;
  Preemption preemption = Preemption::kFutile;

  bool fits() const { return reasons.empty(); }
};

// What may make room for a pod that a filter has refused.
enum class Relief : uint8_t {
  kNodeChange = 0,        // only another node, or another state of this one
  kNodeOrPodRemoval = 1,  // ... or a pod that goes
  kNodeOrStorage = 2,     // ... or a claim or volume that changes
  kNodeOrPodArrival = 4,  // ... or a pod that comes, or changes its labels
  kNodeOrPods = 1 | 4,    // ... or any of the two
};
// What helps against either.
constexpr Relief operator|(Relief a, Relief b) {
  return static_cast<Relief>(static_cast<uint8_t>(a) | static_cast<uint8_t>(b));
}
constexpr bool helps(Relief what, Relief against) { return (what | against) == against; }

struct Filter {
  std::string_view name;
  Verdict (*check)(const CycleState&, const NodeInfo&);
  Relief relief;
};

inline constexpr int64_t kBestScore = 100;

// How the raw scores of all nodes become 0 to kBestScore.
enum class Scale { kAsIs, kHighestIsBest, kHighestIsWorst };

struct Score {
  std::string_view name;
  int64_t weight;
  std::vector<int64_t> (*rate)(const CycleState&, const NodeList&);
  Scale scale;
};

// The tables, in upstream's order: the first filter that refuses decides what the message says.
std::span<const Filter> filters();
std::span<const Score> scores();

}  // namespace wherry::scheduler
