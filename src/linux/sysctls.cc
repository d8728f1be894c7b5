#include "linux/sysctls.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/strings.h"

namespace wherry::linux {

std::string readSysctl(const std::string& name) { return std::string(base::trim(base::readFile("/proc/sys/" + name))); }

void writeSysctl(const std::string& name, std::string_view value) {
  if (readSysctl(name) == value) return;
  std::string path = "/proc/sys/" + name;
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) base::throwErrno("open " + path);
  base::writeAll(fd.get(), value, path);
}

void writeSysctlIfExists(const std::string& name, std::string_view value) {
  if (::access(("/proc/sys/" + name).c_str(), F_OK) == 0) writeSysctl(name, value);
}

}  // namespace wherry::linux
