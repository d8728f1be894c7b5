// Tells when containers end: when files appear in a directory by rename, as conmon's exit files do, and when a conmon
// ends, which may have been killed before it could write one. Safe from any thread.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/fd.h"
#include "net/event_loop.h"

namespace wherry::kubelet {

class ExitWatcher {
 public:
  // The directory exists. Throws std::system_error.
  explicit ExitWatcher(const std::string& directory);
  ~ExitWatcher();  // stops

  // From now on `onEnd` is called on the watcher's own thread with the file's name, also for those that are there
  // already, and with the name of each process that ended.
  void start(std::function<void(const std::string& name)> onEnd);
  void stop();

  // `process` is a pidfd.
  void watch(const std::string& name, base::Fd process);

 private:
  class Directory;
  class Process;

  std::string directory_;
  net::EventLoop loop_;
  std::function<void(const std::string&)> onEnd_;
  std::jthread thread_;
};

}  // namespace wherry::kubelet
