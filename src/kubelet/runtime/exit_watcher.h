// Tells when files appear in a directory by rename, as conmon's exit files do. The handler runs on the watcher's own
// thread with the file's name, also for those that were there before.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include "base/fd.h"

namespace wherry::kubelet {

class ExitWatcher {
 public:
  // The directory exists. Throws std::system_error.
  ExitWatcher(const std::string& directory, std::function<void(const std::string& name)> onFile);
  ~ExitWatcher();  // stops

 private:
  void watch(std::stop_token stop);

  std::string directory_;
  std::function<void(const std::string&)> onFile_;
  base::Fd inotify_;
  base::Fd wake_;  // readable: stop
  std::jthread thread_;
};

}  // namespace wherry::kubelet
