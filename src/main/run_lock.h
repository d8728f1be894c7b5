// One server for each run directory: a lock that ends with the process, and the file that says which process it is.
#pragma once

#include <string>

#include "base/fd.h"

namespace wherry::main {

class RunLock {
 public:
  // Throws std::runtime_error when another server has it ("... is in use by process 123").
  explicit RunLock(const std::string& runDir);
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
