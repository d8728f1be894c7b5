#include "base/log.h"

#include <atomic>
#include <chrono>

#include <unistd.h>

#include "base/clock.h"

namespace wherry::base {
namespace {

std::atomic<LogLevel> minimum{LogLevel::kInfo};

std::string_view levelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARN";
    case LogLevel::kError:
      return "ERROR";
  }
  return "";
}

}  // namespace

void setLogLevel(LogLevel level) { minimum = level; }

bool logEnabled(LogLevel level) { return level >= minimum.load(std::memory_order_relaxed); }

void writeLog(LogLevel level, std::string_view component, std::string_view text) {
  std::string line = fmt::format("{} {} {}: {}\n", formatUtcMillis(std::chrono::system_clock::now()), levelName(level),
                                 component, text);
  // One write(2) a line, so that lines of several threads never mix; a log that can't be written stops nothing.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace wherry::base
