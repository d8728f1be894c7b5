// LogRotation: keeps the logs of running containers within their bounds: a log of 10 MiB is set aside, 5 files are kept
// in all (upstream's containerLogMaxSize and containerLogMaxFiles). The files are renamed and conmon is told to begin a
// new one, so no line is lost.
//
// Nothing polls: a log that is quiet is watched by inotify alone. While one is being written it is looked at again
// after a time in which it can't have grown much, by its own speed: between 0.1 and 1 s. So the disk is bounded for a
// container that floods its log, and for one that writes a line now and then it costs a look a second at most.
// Safe from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"

namespace wherry::kubelet {

struct LogLimits {
  int64_t maxSize = 10 << 20;  // bytes
  size_t maxFiles = 5;         // with the one that is being written; 2 or more
};

// When a log that is written is looked at again: before it can have reached `maxSize` twice over at this speed. Pure.
std::chrono::milliseconds nextLook(int64_t size, int64_t bytesPerSecond, int64_t maxSize);

class LogRotation {
 public:
  explicit LogRotation(LogLimits limits = {}, const base::Clock& clock = base::Clock::system());
  ~LogRotation();  // stops; the logs grow on
  LogRotation(const LogRotation&) = delete;
  LogRotation& operator=(const LogRotation&) = delete;

  // `control` is the fifo of the container's conmon. The same again changes nothing.
  void watch(const std::string& log, const std::string& control);
  void forget(const std::string& log);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet
