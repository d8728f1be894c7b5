// The process's log: lines on stderr, "2026-01-02T03:04:05.678Z INFO kubelet: text". Safe from any thread.
//
//   base::Log log("kubelet");
//   log.info("pod {} started in {} ms", name, ms);
//
// info is for what an operator wants to read once, warn for what they may have to act on, error for what failed,
// debug for everything else (off unless --log-level debug).
#pragma once

#include <string>

#include <fmt/format.h>

namespace wherry::base {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

// Lines below `level` are dropped before they are formatted.
void setLogLevel(LogLevel level);
bool logEnabled(LogLevel level);
void writeLog(LogLevel level, std::string_view component, std::string_view text);

class Log {
 public:
  explicit Log(std::string component) : component_(std::move(component)) {}

  template <typename... Args>
  void debug(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::kDebug, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void info(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::kInfo, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void warn(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::kWarn, format, std::forward<Args>(args)...);
  }
  template <typename... Args>
  void error(fmt::format_string<Args...> format, Args&&... args) const {
    write(LogLevel::kError, format, std::forward<Args>(args)...);
  }

 private:
  template <typename... Args>
  void write(LogLevel level, fmt::format_string<Args...> format, Args&&... args) const {
    if (logEnabled(level)) writeLog(level, component_, fmt::format(format, std::forward<Args>(args)...));
  }

  std::string component_;
};

}  // namespace wherry::base
