#include "kubelet/volumes/claimed_volume.h"

#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/volumes/host_path.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;
using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;

// What upstream's SetVolumeOwnership gives: the group, its rights, and the group for what is made later.
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

PersistentVolume claimedVolume(const core_v1::Pod& pod, const core_v1::Volume& volume, const ObjectLookup& lookup) {
  const auto name = volume.persistentVolumeClaim().claimName();
  const PersistentVolumeClaim claim(lookup.persistentVolumeClaim(pod.metadata().ns(), name));
  if (!claim) throw ConfigError(fmt::format("persistentvolumeclaim \"{}\" not found", name));
  const std::string bound(claim.spec().volumeName());
  const PersistentVolume found(bound.empty() ? nullptr : lookup.persistentVolume(bound));
  const bool ours = found && found.spec().claimRef().uid() == claim.metadata().uid();
  if (!ours) throw ConfigError(fmt::format("PVC {}/{} is not bound", pod.metadata().ns(), name));
  return found;
}

std::string pathOf(const PersistentVolume& volume) {
  const auto spec = volume.spec();
  if (spec.volumeMode() == "Block") throw ConfigError("volumes of mode Block are not supported");
  if (spec.hasHostPath()) return std::string(spec.hostPath().path());
  if (spec.hasLocal()) return std::string(spec.local().path());
  throw ConfigError("no volume plugin matched");
}

void setUpClaimed(const PersistentVolume& volume, const core_v1::Pod& pod) {
  const std::string path = pathOf(volume);
  const auto spec = volume.spec();
  if (spec.hasHostPath()) {
    ensureHostPath(path, spec.hostPath().type());
  } else if (std::error_code error; !fs::is_directory(path, error)) {
    throw std::runtime_error(fmt::format("path \"{}\" does not exist", path));
  }
  const auto context = pod.spec().securityContext();
  // As upstream: a hostPath of the user's own is nobody's but the node's.
  const bool provisioned = !volume.metadata().annotation(meta::kProvisionedBy).empty();
  if (!context.hasFsGroup() || !(provisioned || spec.hasLocal())) return;
  giveAllToGroup(path, static_cast<gid_t>(context.fsGroup()), context.fsGroupChangePolicy() == "OnRootMismatch");
}

}  // namespace wherry::kubelet
