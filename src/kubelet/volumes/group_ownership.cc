#include "kubelet/volumes/group_ownership.h"

#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;

void giveToGroup(const fs::path& path, gid_t group) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || S_ISLNK(status.st_mode)) return;
  mode_t mode = (status.st_mode & 07777) | (S_ISDIR(status.st_mode) ? 02770 : 0660);
  if (status.st_gid != group && ::lchown(path.c_str(), static_cast<uid_t>(-1), group) != 0) {
    base::throwErrno("chown " + path.string());
  }
  if (mode != (status.st_mode & 07777) && ::chmod(path.c_str(), mode) != 0) base::throwErrno("chmod " + path.string());
}

bool belongsTo(const fs::path& path, gid_t group) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_gid == group && (status.st_mode & 02770) == 02770;
}

void giveAllToGroup(const std::string& directory, gid_t group, bool onRootMismatch) {
  if (onRootMismatch && belongsTo(directory, group)) return;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) giveToGroup(entry.path(), group);
  giveToGroup(directory, group);  // last: it says that all are done
}

}  // namespace

void giveToFsGroup(const std::string& directory, const core_v1::Pod& pod) {
  const auto context = pod.spec().securityContext();
  if (!context.hasFsGroup()) return;
  giveAllToGroup(directory, static_cast<gid_t>(context.fsGroup()), context.fsGroupChangePolicy() == "OnRootMismatch");
}

}  // namespace wherry::kubelet
