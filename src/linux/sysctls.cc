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

void changeSysctl(const std::string& name, std::string_view value, const std::string& record,
                  const std::vector<std::string>& dependents) {
  std::string before = readSysctl(name);
  if (before == value) return;
  std::string noted = base::readFileIfExists(record).value_or("");
  if (("\n" + noted).find("\n" + name + " ") == std::string::npos) {
    noted += name + " " + before + "\n";
    for (const std::string& dependent : dependents) noted += dependent + " " + readSysctl(dependent) + "\n";
    base::writeFileAtomic(record, noted, 0600);
  }
  writeSysctl(name, value);
}

void restoreSysctls(const std::string& record) {
  std::string noted = base::readFileIfExists(record).value_or("");
  for (std::string_view line : base::split(noted, '\n')) {
    if (auto parts = base::splitOnce(line, ' ')) writeSysctlIfExists(std::string(parts->first), parts->second);
  }
  ::unlink(record.c_str());
}

}  // namespace wherry::linux
