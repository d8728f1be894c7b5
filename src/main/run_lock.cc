#include "main/run_lock.h"

#include <stdexcept>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/strings.h"

namespace wherry::main {

RunLock::RunLock(const std::string& runDir, std::string_view advice) : pidFile_(runDir + "/wherry.pid") {
  base::makeDirectories(runDir, 0711);
  lock_.reset(::open((runDir + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock_) base::throwErrno("open " + runDir + "/lock");
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    std::string pid(base::trim(base::readFileIfExists(pidFile_).value_or("?")));
    throw std::runtime_error(
        fmt::format("{} is in use by another wherry server (process {}); {}", runDir, pid, advice));
  }
  base::writeFileAtomic(pidFile_, fmt::format("{}\n", ::getpid()));
}

bool RunLock::isHeld(const std::string& runDir) {
  base::Fd lock(::open((runDir + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

RunLock::~RunLock() { ::unlink(pidFile_.c_str()); }

}  // namespace wherry::main
