#include "base/clock.h"

#include <ctime>

#include <fmt/format.h>

namespace wherry::base {
namespace {

class SystemClock : public Clock {
 public:
  WallTime now() const override { return std::chrono::system_clock::now(); }
  MonotonicTime monotonicNow() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& Clock::system() {
  static const SystemClock clock;
  return clock;
}

ManualClock::ManualClock(WallTime start) : start_(start) {}

WallTime ManualClock::now() const {
  return start_ + std::chrono::duration_cast<WallTime::duration>(std::chrono::nanoseconds(elapsed_.load()));
}

MonotonicTime ManualClock::monotonicNow() const { return MonotonicTime(std::chrono::nanoseconds(elapsed_.load())); }

void ManualClock::advance(std::chrono::nanoseconds by) { elapsed_ += by.count(); }

std::string formatUtcMillis(WallTime time) {
  auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  std::time_t seconds = static_cast<std::time_t>(millis / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, millis % 1000);
}

}  // namespace wherry::base
