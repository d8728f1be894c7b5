// Time as it is injected: components take a Clock&, tests hand them a ManualClock. Both are safe from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

namespace wherry::base {

using WallTime = std::chrono::system_clock::time_point;
using MonotonicTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;                // what objects' timestamps are made of
  virtual MonotonicTime monotonicNow() const = 0;  // what time-outs and back-offs are measured with

  // The machine's clock; lives as long as the process.
  static const Clock& system();
};

// Stands still until it is told to advance.
class ManualClock : public Clock {
 public:
  explicit ManualClock(WallTime start = WallTime{std::chrono::seconds{1'700'000'000}});
  WallTime now() const override;
  MonotonicTime monotonicNow() const override;
  void advance(std::chrono::nanoseconds by);

 private:
  WallTime start_;
  std::atomic<int64_t> elapsed_{0};  // nanoseconds
};

// "2026-01-02T03:04:05.678Z"
std::string formatUtcMillis(WallTime time);

}  // namespace wherry::base
