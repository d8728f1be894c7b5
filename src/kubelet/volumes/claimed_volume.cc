#include "kubelet/volumes/claimed_volume.h"

#include <filesystem>

#include <fmt/format.h>

#include "kubelet/volumes/block_device.h"
#include "kubelet/volumes/group_ownership.h"
#include "kubelet/volumes/host_path.h"
#include "meta/persistent_volumes.h"

namespace wherry::kubelet {
namespace {

namespace fs = std::filesystem;
using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;

}  // namespace

bool isClaim(const core_v1::Volume& volume) { return volume.hasPersistentVolumeClaim() || volume.hasEphemeral(); }

PersistentVolume claimedVolume(const core_v1::Pod& pod, const core_v1::Volume& volume, const ObjectLookup& lookup) {
  const auto metadata = pod.metadata();
  const std::string name = meta::claimNameOf(*pod.object(), volume.tree());
  const PersistentVolumeClaim claim(lookup.persistentVolumeClaim(metadata.ns(), name));
  if (!claim) throw ConfigError(fmt::format("persistentvolumeclaim \"{}\" not found", name));
  if (volume.hasEphemeral() && !meta::isMadeFor(*claim.object(), *pod.object())) {
    throw ConfigError(meta::notMadeFor(*claim.object(), *pod.object()));
  }
  const std::string bound(claim.spec().volumeName());
  const PersistentVolume found(bound.empty() ? nullptr : lookup.persistentVolume(bound));
  const bool ours = found && found.spec().claimRef().uid() == claim.metadata().uid();
  if (!ours) throw ConfigError(fmt::format("PVC {}/{} is not bound", pod.metadata().ns(), name));
  return found;
}

bool isElsewhere(const PersistentVolume& volume) { return volume.spec().hasCsi() || volume.spec().hasNfs(); }

std::string pathOf(const PersistentVolume& volume) {
  const auto spec = volume.spec();
  if (spec.hasHostPath()) return std::string(spec.hostPath().path());
  if (spec.hasLocal()) return std::string(spec.local().path());
  throw ConfigError("no volume plugin matched");
}

void setUpClaimed(const PersistentVolume& volume, const core_v1::Pod& pod) {
  if (isElsewhere(volume)) return;  // stands already
  const std::string path = pathOf(volume);
  const auto spec = volume.spec();
  if (isBlock(volume)) {
    if (!spec.hasLocal()) throw ConfigError("no volume plugin matched");
    return ensureHostPath(path, "BlockDevice");
  }
  if (spec.hasHostPath()) {
    ensureHostPath(path, spec.hostPath().type());
  } else if (std::error_code error; !fs::is_directory(path, error)) {
    throw std::runtime_error(fmt::format("path \"{}\" does not exist", path));
  }
  // As upstream: a hostPath of the user's own is nobody's but the node's.
  const bool provisioned = !volume.metadata().annotation(meta::kProvisionedBy).empty();
  if (provisioned || spec.hasLocal()) giveToFsGroup(path, pod);
}

}  // namespace wherry::kubelet
