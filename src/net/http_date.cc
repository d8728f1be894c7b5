#include "net/http_date.h"

#include <ctime>

#include "base/clock.h"

namespace wherry::net {

std::string_view currentDate() {
  thread_local std::time_t made = -1;
  thread_local char text[64];
  thread_local size_t size = 0;
  std::time_t now = std::chrono::system_clock::to_time_t(base::Clock::system().now());
  if (now != made) {
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    // In the C locale, which the process never leaves.
    size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    made = now;
  }
  return {text, size};
}

}  // namespace wherry::net
