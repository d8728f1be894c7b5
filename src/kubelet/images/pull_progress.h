// What a pull is waiting for, as those who wait see it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace wherry::kubelet {

struct PullProgress {
  enum class Phase { kAsking, kWaitingForOthers, kFetching, kUnpacking } phase = Phase::kAsking;
  std::string registry;     // that is asked or fetched from
  uint64_t bytes = 0;       // that have come
  uint64_t totalBytes = 0;  // 0: not known
};

// "12.3 MB of 45.6 MB from docker.io, 10s so far". Pure.
std::string renderProgress(const PullProgress& progress, std::chrono::seconds elapsed);

// Is told how a pull goes, `first` after its beginning and then in intervals that double up to `longest`.
struct PullWatcher {
  std::function<void(const std::string& text)> say;
  std::chrono::milliseconds first{1000};
  std::chrono::milliseconds longest{1000};
};

}  // namespace wherry::kubelet
