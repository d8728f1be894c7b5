#include "kubelet/volumes/volumes.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "base/fault_point.h"
#include "kubelet/volumes/atomic_writer.h"
#include "kubelet/volumes/block_device.h"
#include "kubelet/volumes/claimed_volume.h"
#include "kubelet/volumes/empty_dir.h"
#include "kubelet/volumes/host_path.h"
#include "kubelet/volumes/sub_path.h"

namespace wherry::kubelet {
namespace {

void showPayload(const core_v1::Pod& pod, const core_v1::Volume& volume, const std::string& directory,
                 const VolumeSources& sources) {
  Payload payload = volumePayload(pod, volume, sources.facts, sources.lookup, sources.token);
  if (!volume.hasConfigMap()) keepInMemory(directory);
  writePayload(directory, payload, fsGroupOf(pod));
}

void setUpVolume(const core_v1::Pod& pod, const core_v1::Volume& volume, const PodPaths& paths,
                 const VolumeSources& sources) {
  std::string directory = paths.volume(volume.name());
  if (volume.hasHostPath()) return ensureHostPath(std::string(volume.hostPath().path()), volume.hostPath().type());
  if (isClaim(volume)) return setUpClaimed(claimedVolume(pod, volume, sources.lookup), pod);
  if (volume.hasCsi() || volume.hasNfs() || volume.hasImage()) return;  // stands already
  if (hasPayload(volume)) return showPayload(pod, volume, directory, sources);
  // A volume without a source is an emptyDir.
  bool empty = volume.hasEmptyDir() || volume.tree().size() <= 1;
  if (!empty) throw std::runtime_error("no volume plugin matched");
  setUpEmptyDir(pod, volume.emptyDir(), directory);
}

std::optional<core_v1::Volume> findVolume(const core_v1::Pod& pod, std::string_view name) {
  for (auto volume : pod.spec().volumes()) {
    if (volume.name() == name) return volume;
  }
  return std::nullopt;
}

std::string propagationOf(std::string_view text) {
  if (text == "HostToContainer") return "rslave";
  return text == "Bidirectional" ? "rshared" : "rprivate";
}

std::string sourceOf(const core_v1::Pod& pod, const core_v1::Volume& volume, const PodPaths& paths,
                     const ObjectLookup& lookup) {
  if (volume.hasHostPath()) return std::string(volume.hostPath().path());
  const auto uid = pod.metadata().uid();
  if (volume.hasCsi()) return lookup.storageTarget(uid, "csi", volume.name());
  if (volume.hasNfs()) return lookup.storageTarget(uid, "nfs", volume.name());
  if (isClaim(volume)) {
    const auto claimed = claimedVolume(pod, volume, lookup);
    const auto spec = claimed.spec();
    if (isBlock(claimed)) {
      throw ConfigError(fmt::format("volume {} has volumeMode Block, but is specified in volumeMounts", volume.name()));
    }
    if (!isElsewhere(claimed)) return pathOf(claimed);
    return lookup.storageTarget(uid, spec.hasCsi() ? "csi" : "nfs", claimed.metadata().name());
  }
  return paths.volume(volume.name());
}

// Whatever the mount says.
bool isReadOnly(const core_v1::Pod& pod, const core_v1::Volume& volume, const ObjectLookup& lookup) {
  if (volume.hasImage()) return true;
  if (volume.csi().readOnly() || volume.nfs().readOnly() || volume.persistentVolumeClaim().readOnly()) return true;
  if (!isClaim(volume)) return false;
  const auto claimed = claimedVolume(pod, volume, lookup);
  return claimed.spec().csi().readOnly() || claimed.spec().nfs().readOnly();
}

// Where the container's `index`th mount has its part of a volume bound.
std::string boundSubPath(const std::string& volume, const std::string& subPath, const PodPaths& paths,
                         const core_v1::Container& container, size_t index) {
  std::string target = fmt::format("{}/subpaths/{}/{}", paths.root, container.name(), index);
  try {
    bindSubPath(volume, subPath, target);
  } catch (const std::exception&) {  // in which words of the node's own file system could stand
    throw ConfigError(fmt::format("failed to prepare subPath for volumeMount \"{}\" of container \"{}\"",
                                  container.volumeMounts()[index].name(), container.name()));
  }
  return target;
}

}  // namespace

void setUpVolumes(const core_v1::Pod& pod, const PodPaths& paths, const VolumeSources& sources) {
  for (auto volume : pod.spec().volumes()) {
    try {
      setUpVolume(pod, volume, paths, sources);
      base::faultPoint("volume-made");
    } catch (const std::exception& error) {
      throw VolumeError(std::string(volume.name()), error.what());
    }
  }
}

void refreshVolumes(const core_v1::Pod& pod, const PodPaths& paths, const VolumeSources& sources) {
  std::optional<VolumeError> first;
  for (auto volume : pod.spec().volumes()) {
    if (!hasPayload(volume)) continue;
    try {
      showPayload(pod, volume, paths.volume(volume.name()), sources);
    } catch (const std::exception& error) {
      if (!first) first.emplace(std::string(volume.name()), error.what());
    }
  }
  if (first) throw VolumeError(*first);
}

bool isRecursivelyReadOnly(const core_v1::VolumeMount& mount) {
  return mount.recursiveReadOnly() == "IfPossible" || mount.recursiveReadOnly() == "Enabled";
}

std::vector<ContainerMount> volumeMounts(const core_v1::Pod& pod, const core_v1::Container& container,
                                         const PodPaths& paths, const Environment& environment,
                                         const ObjectLookup& lookup) {
  std::vector<ContainerMount> out;
  for (auto mount : container.volumeMounts()) {
    auto volume = findVolume(pod, mount.name());
    if (!volume) {
      throw ConfigError(
          fmt::format("cannot find volume \"{0}\" to mount into container \"{1}\"", mount.name(), container.name()));
    }
    std::string source = sourceOf(pod, *volume, paths, lookup);
    std::string subPath = subPathOf(mount, environment);
    if (!subPath.empty()) source = boundSubPath(source, subPath, paths, container, out.size());
    // Content volumes are the API's, not the container's.
    bool readOnly = mount.readOnly() || hasPayload(*volume) || isReadOnly(pod, *volume, lookup);
    std::string target(mount.mountPath());
    out.push_back({.target = target.starts_with('/') ? target : "/" + target,
                   .source = source,
                   .access = readOnly ? linux::Access::kReadOnly : linux::Access::kReadWrite,
                   .propagation = propagationOf(mount.mountPropagation()),
                   .submountsToo = mount.readOnly() && isRecursivelyReadOnly(mount)});
  }
  return out;
}

}  // namespace wherry::kubelet
