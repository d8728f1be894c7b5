#include "kubelet/volumes/volume_stats.h"

#include <sys/statvfs.h>

#include "kubelet/volumes/claimed_volume.h"
#include "kubelet/volumes/payload.h"
#include "kubelet/volumes/usage.h"
#include "meta/persistent_volumes.h"
#include "meta/time.h"

namespace wherry::kubelet {
namespace {

// kFileSystem: all that it holds, of a volume that is one.
enum class Counts { kDirectory, kFileSystem };

std::optional<CsiVolumeStats> statsOf(const std::string& path, Counts counts) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) return std::nullopt;
  const auto block = static_cast<int64_t>(status.f_frsize);
  CsiVolumeStats out{.availableBytes = static_cast<int64_t>(status.f_bavail) * block,
                     .capacityBytes = static_cast<int64_t>(status.f_blocks) * block,
                     .usedBytes = static_cast<int64_t>(status.f_blocks - status.f_bfree) * block,
                     .freeInodes = static_cast<int64_t>(status.f_ffree),
                     .inodes = static_cast<int64_t>(status.f_files),
                     .usedInodes = static_cast<int64_t>(status.f_files - status.f_ffree),
                     .abnormal = {},
                     .message = {}};
  if (counts == Counts::kFileSystem) return out;
  const DiskUsage used = measureDirectory(path);
  out.usedBytes = static_cast<int64_t>(used.bytes);
  out.usedInodes = static_cast<int64_t>(used.inodes);
  return out;
}

std::optional<CsiVolumeStats> statsOfClaimed(const core_v1::PersistentVolume& claimed) {
  if (claimed.spec().volumeMode() == "Block") return std::nullopt;
  if (claimed.spec().hasLocal()) return statsOf(std::string(claimed.spec().local().path()), Counts::kFileSystem);
  const bool ours = claimed.metadata().annotation(meta::kProvisionedBy) == meta::kLocalProvisioner;
  if (!ours || !claimed.spec().hasHostPath()) return std::nullopt;
  return statsOf(std::string(claimed.spec().hostPath().path()), Counts::kDirectory);
}

std::optional<CsiVolumeStats> statsOfVolume(const core_v1::Pod& pod, const core_v1::Volume& volume,
                                            const PodPaths& paths, const ObjectLookup& lookup,
                                            const AskDriver& askDriver) {
  const auto claimed = isClaim(volume) ? claimedVolume(pod, volume, lookup) : core_v1::PersistentVolume();
  if (const auto csi = csiVolumeOf(pod, volume, claimed)) return askDriver(*csi);
  if (claimed) return statsOfClaimed(claimed);
  const bool own = volume.hasEmptyDir() || hasPayload(volume) || volume.tree().size() <= 1;
  return own ? statsOf(paths.volume(volume.name()), Counts::kDirectory) : std::nullopt;
}

}  // namespace

std::vector<VolumeStats> readVolumeStats(const core_v1::Pod& pod, const PodPaths& paths, const ObjectLookup& lookup,
                                         const AskDriver& askDriver) {
  std::vector<VolumeStats> out;
  for (auto volume : pod.spec().volumes()) {
    try {
      auto numbers = statsOfVolume(pod, volume, paths, lookup, askDriver);
      if (!numbers) continue;
      const std::string claim = isClaim(volume) ? meta::claimNameOf(*pod.object(), volume.tree()) : std::string();
      out.push_back({std::string(volume.name()), claim, std::move(*numbers)});
    } catch (const std::exception&) {
      continue;  // its claim or driver isn't there: there is nothing to say of it
    }
  }
  return out;
}

json::Array renderVolumeStats(const std::vector<VolumeStats>& volumes, std::string_view ns, base::WallTime at) {
  json::Array out;
  for (const VolumeStats& volume : volumes) {
    const CsiVolumeStats& numbers = volume.numbers;
    json::Object entry{{"time", meta::formatTime(at)},
                       {"name", volume.name},
                       {"availableBytes", numbers.availableBytes},
                       {"capacityBytes", numbers.capacityBytes},
                       {"usedBytes", numbers.usedBytes},
                       {"inodesFree", numbers.freeInodes},
                       {"inodes", numbers.inodes},
                       {"inodesUsed", numbers.usedInodes}};
    if (!volume.claim.empty()) entry["pvcRef"] = json::Object{{"name", volume.claim}, {"namespace", ns}};
    if (numbers.abnormal) entry["volumeHealthStats"] = json::Object{{"abnormal", *numbers.abnormal}};
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace wherry::kubelet
