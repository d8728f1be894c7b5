// One server for each run directory: a lock that ends with the process, and the file that says which process it is.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"

namespace wherry::main {

class RunLock {
 public:
  // Throws std::runtime_error when a server has it: "... is in use by another wherry server (process 123); <advice>".
  RunLock(const std::string& runDir, std::string_view advice);
  ~RunLock();  // removes the pid file
  // Whether a server runs with it; false too when that can't be told (another user's).
  static bool isHeld(const std::string& runDir);
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

 private:
  std::string pidFile_;
  base::Fd lock_;
};

}  // namespace wherry::main
