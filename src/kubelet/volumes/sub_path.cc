#include "kubelet/volumes/sub_path.h"

#include <cerrno>
#include <set>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault_point.h"
#include "base/fd.h"
#include "base/strings.h"
#include "kubelet/pods/expansion.h"
#include "kubelet/pods/pod_facts.h"
#include "linux/mounts.h"

namespace wherry::kubelet {
namespace {

std::string expanded(std::string_view expression, const Environment& environment) {
  std::set<std::string> missing;
  std::string out = expandVariables(expression, [&](std::string_view name) {
    auto value = environment.find(name);
    if (!value || value->empty()) missing.emplace(name);
    return value;
  });
  if (!missing.empty()) {
    throw ConfigError("missing value for " + base::join(std::vector(missing.begin(), missing.end()), ", "));
  }
  return out;
}

base::Fd openBeneath(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return base::Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

// mkdirat(2) is subject to the umask. Nobody has put another thing in its place: it is found by its own name.
void setMode(int parent, const std::string& name, mode_t mode) {
  base::Fd made(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (made) ::fchmod(made.get(), mode);
}

base::Fd openOrMakeDirectory(int root, const std::string& path, mode_t mode) {
  base::Fd found = openBeneath(root, path);
  if (found || errno != ENOENT) return found;
  size_t slash = path.rfind('/');
  base::Fd parent =
      slash == std::string::npos ? base::Fd(::dup(root)) : openOrMakeDirectory(root, path.substr(0, slash), mode);
  if (!parent) return parent;
  std::string name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (::mkdirat(parent.get(), name.c_str(), mode) == 0) setMode(parent.get(), name, mode);
  return openBeneath(root, path);
}

void makePlace(const std::string& target, bool directory) {
  linux::unmount(target);
  base::makeDirectories(target.substr(0, target.rfind('/')));
  if (directory)
    base::makeDirectories(target);
  else
    base::Fd(::open(target.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
}

}  // namespace

std::string subPathOf(const core_v1::VolumeMount& mount, const Environment& environment) {
  std::string path(mount.subPath());
  if (!mount.subPathExpr().empty()) path = expanded(mount.subPathExpr(), environment);
  if (path.starts_with('/')) throw ConfigError(fmt::format("error SubPath `{}` must not be an absolute path", path));
  for (std::string_view part : base::split(path, '/')) {
    if (part == "..") throw ConfigError(fmt::format("unable to provision SubPath `{}`: must not contain '..'", path));
  }
  while (path.ends_with('/')) path.pop_back();
  return path;
}

void bindSubPath(const std::string& volume, const std::string& subPath, const std::string& target) {
  base::Fd root(::open(volume.c_str(), O_PATH | O_CLOEXEC));
  if (!root) base::throwErrno("open " + volume);
  struct stat status {};
  ::fstat(root.get(), &status);
  base::Fd found = openOrMakeDirectory(root.get(), subPath, status.st_mode & (S_ISGID | 0777));
  if (!found) base::throwErrno("subPath " + subPath);
  ::fstat(found.get(), &status);
  makePlace(target, S_ISDIR(status.st_mode));
  linux::bindMount(fmt::format("/proc/self/fd/{}", found.get()), target);
  base::faultPoint("subpath-bound");
}

}  // namespace wherry::kubelet
