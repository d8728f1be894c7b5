// Node-pressure eviction: of what a node must not run short, and when it does. Pure, but for the state that a decision
// hands on to the next one.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wherry::kubelet {

// What is measured, in upstream's order of urgency.
enum class Signal { kMemory, kNodeFs, kNodeFsInodes, kImageFs, kImageFsInodes, kPids };
std::string_view nameOf(Signal signal);       // "memory.available"
std::string_view resourceOf(Signal signal);   // what a pod is told to have been low on: "memory", "ephemeral-storage"
std::string_view conditionOf(Signal signal);  // of the Node: "MemoryPressure"

struct Supply {
  int64_t capacity = 0;
  int64_t available = 0;
};
using Supplies = std::map<Signal, Supply>;

// "100Mi" or "10%" of the capacity.
struct Amount {
  int64_t value = 0;
  double share = 0;  // of 1; where it isn't 0, it counts
  int64_t of(int64_t capacity) const;
};

struct Threshold {
  Signal signal = Signal::kMemory;
  Amount least;                               // less than this must not be available
  Amount reclaim;                             // so much more must be available before it is over
  std::optional<std::chrono::seconds> grace;  // soft: it has to last so long
};

struct EvictionSettings {
  std::vector<Threshold> thresholds;
  std::chrono::seconds maxPodGrace{0};   // of pods evicted for a soft threshold
  std::chrono::seconds transition{300};  // so long a condition stays after it is over
};

// The flags, in the form of the kubelet's: "memory.available<100Mi,nodefs.available<10%", "memory.available=1m30s",
// "memory.available=50Mi". Throws std::invalid_argument that names what is wrong.
struct EvictionFlags {
  std::string hard = "memory.available<100Mi,nodefs.available<10%,nodefs.inodesFree<5%";
  std::string soft, softGrace, minimumReclaim;
  std::string transition = "5m";
  int64_t maxPodGraceSeconds = 0;
};
EvictionSettings parseEviction(const EvictionFlags& flags);

// What is remembered from one look to the next.
struct PressureState {
  std::map<size_t, base::WallTime> metSince;                    // by the place in EvictionSettings::thresholds
  std::set<size_t> unresolved;                                  // met before, and not yet by `reclaim` over
  std::map<std::string, base::WallTime, std::less<>> lastSeen;  // conditions
};

struct PressureDecision {
  std::set<std::string> conditions;     // of the Node that are True
  std::optional<Threshold> reclaim;     // for which something is to be given up now
  std::optional<base::WallTime> again;  // when a grace or transition period ends
};
PressureDecision decidePressure(const EvictionSettings& settings, const Supplies& supplies, PressureState& state,
                                base::WallTime now);

}  // namespace wherry::kubelet
