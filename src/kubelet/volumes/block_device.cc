#include "kubelet/volumes/block_device.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "kubelet/volumes/claimed_volume.h"

namespace wherry::kubelet {
namespace {

std::optional<core_v1::Volume> findClaim(const core_v1::Pod& pod, std::string_view name) {
  for (auto volume : pod.spec().volumes()) {
    if (volume.name() == name && isClaim(volume)) return volume;
  }
  return std::nullopt;
}

std::string sourceOf(const core_v1::Pod& pod, const core_v1::PersistentVolume& claimed, const ObjectLookup& lookup) {
  if (!claimed.spec().hasCsi()) return pathOf(claimed);
  return lookup.storageTarget(pod.metadata().uid(), "csi-block", claimed.metadata().name());
}

BlockDevice deviceAt(const std::string& source, const core_v1::VolumeDevice& wanted) {
  struct stat status {};
  if (::stat(source.c_str(), &status) != 0 || !S_ISBLK(status.st_mode)) {
    throw ConfigError(
        fmt::format("failed to get device for volume \"{}\": {} is not a block device", wanted.name(), source));
  }
  return {.path = std::string(wanted.devicePath()),
          .major = major(status.st_rdev),
          .minor = minor(status.st_rdev),
          .access = linux::Access::kReadWrite};
}

}  // namespace

bool isBlock(const core_v1::PersistentVolume& volume) { return volume.spec().volumeMode() == "Block"; }

std::vector<BlockDevice> volumeDevices(const core_v1::Pod& pod, const core_v1::Container& container,
                                       const ObjectLookup& lookup) {
  std::vector<BlockDevice> out;
  for (auto wanted : container.volumeDevices()) {
    const auto volume = findClaim(pod, wanted.name());
    if (!volume) {
      throw ConfigError(
          fmt::format("cannot find volume \"{}\" to pass into container \"{}\"", wanted.name(), container.name()));
    }
    const auto claimed = claimedVolume(pod, *volume, lookup);
    if (!isBlock(claimed)) {
      throw ConfigError(
          fmt::format("volume {} has volumeMode Filesystem, but is specified in volumeDevices", wanted.name()));
    }
    BlockDevice device = deviceAt(sourceOf(pod, claimed, lookup), wanted);
    const bool readOnly = volume->persistentVolumeClaim().readOnly() || claimed.spec().csi().readOnly();
    if (readOnly) device.access = linux::Access::kReadOnly;
    out.push_back(std::move(device));
  }
  return out;
}

}  // namespace wherry::kubelet
