#include "kubelet/streams/cpu_rate.h"

#include <algorithm>

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

constexpr auto kShortest = 1s;
constexpr auto kLongest = 5min;

}  // namespace

CpuRate CpuRates::rate(const std::string& key, uint64_t cpuNanos, base::WallTime startedAt, base::WallTime now) {
  Sample from{startedAt, 0};
  samples_.with([&](auto& all) {
    Samples& samples = all[key];
    samples.asked = true;
    for (auto* sample : {&samples.older, &samples.newer}) {
      if (!*sample) continue;
      auto age = now - (*sample)->at;
      bool fits = age >= kShortest && age <= kLongest && (*sample)->cpuNanos <= cpuNanos;
      if (fits) from = **sample;
    }
    // Calls that follow each other closely leave the older sample as it is, so that one of them is always old enough.
    bool close = samples.newer && now - samples.newer->at < kShortest;
    if (close) return;
    samples.older = samples.newer;
    samples.newer = Sample{now, cpuNanos};
  });
  auto window = std::chrono::duration_cast<std::chrono::nanoseconds>(now - from.at);
  if (window <= 0ns) return {};
  double cores = static_cast<double>(cpuNanos - from.cpuNanos) / static_cast<double>(window.count());
  return {window, static_cast<uint64_t>(cores * 1e9)};
}

void CpuRates::forget() {
  samples_.with([](auto& all) {
    std::erase_if(all, [](const auto& entry) { return !entry.second.asked; });
    for (auto& [key, samples] : all) samples.asked = false;
  });
}

}  // namespace wherry::kubelet
