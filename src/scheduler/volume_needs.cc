#include "scheduler/volume_needs.h"

#include <fmt/format.h>

#include "meta/persistent_volumes.h"
#include "views/storage_v1.h"

namespace wherry::scheduler {
namespace {

using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;

bool isFree(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto reference = volume.spec().claimRef();
  const bool kept =
      reference && reference.name() == claim.metadata().name() && reference.namespace_() == claim.metadata().ns();
  return volume.spec().storageClassName() == claim.spec().storageClassName() && (!reference || kept);
}

class Needs {
 public:
  explicit Needs(const Storage& storage) : storage_(storage) {}

  void add(const core_v1::Pod& pod, const core_v1::Volume& volume) {
    const std::string name = meta::claimNameOf(*pod.object(), volume.tree());
    if (name.empty()) return;
    const PersistentVolumeClaim claim(storage_.claim(pod.metadata().ns(), name));
    if (!claim) return block(fmt::format(fmt::runtime(missing(volume)), name));
    if (volume.hasEphemeral() && !meta::isMadeFor(*claim.object(), *pod.object())) {
      return block(meta::notMadeFor(*claim.object(), *pod.object()));
    }
    addClaim(claim);
    if (isForOnePod(claim)) needs_.alone.push_back(claim.key());
  }

  VolumeNeeds take() && { return std::move(needs_); }

 private:
  static const char* missing(const core_v1::Volume& volume) {
    return volume.hasEphemeral() ? "waiting for ephemeral volume controller to create the persistentvolumeclaim \"{}\""
                                 : "persistentvolumeclaim \"{}\" not found";
  }

  // KEP-2485.
  static bool isForOnePod(const PersistentVolumeClaim& claim) {
    for (const auto mode : claim.spec().accessModes()) {
      if (mode == "ReadWriteOncePod") return true;
    }
    return false;
  }

  void addClaim(const PersistentVolumeClaim& claim) {
    const auto name = claim.metadata().name();
    if (claim.metadata().deleting()) return block(fmt::format("persistentvolumeclaim \"{}\" is being deleted", name));
    if (claim.status().phase() == "Lost") {
      return block(fmt::format("persistentvolumeclaim \"{}\" bound to non-existent persistentvolume \"{}\"", name,
                               claim.spec().volumeName()));
    }
    if (!claim.spec().volumeName().empty()) return addBound(claim);
    const storage_v1::StorageClass storageClass(storage_.storageClass(claim.spec().storageClassName()));
    if (storageClass.volumeBindingMode() != "WaitForFirstConsumer") {
      return block("pod has unbound immediate PersistentVolumeClaims");
    }
    needs_.unbound.push_back(claim);
    if (storageClass.provisioner() == "kubernetes.io/no-provisioner") addCandidates(claim);
  }

  void block(std::string why) {
    if (needs_.blocked.empty()) needs_.blocked = std::move(why);
  }

  void addBound(const PersistentVolumeClaim& claim) {
    const PersistentVolume volume(storage_.volume(claim.spec().volumeName()));
    const bool ours = volume && volume.spec().claimRef().uid() == claim.metadata().uid();
    if (!ours) return block("pod has unbound immediate PersistentVolumeClaims");
    needs_.bound.push_back(volume);
  }

  void addCandidates(const PersistentVolumeClaim& claim) {
    auto& candidates = needs_.candidates.emplace_back();
    for (const auto& object : storage_.volumes()) {
      const PersistentVolume volume(object);
      if (isFree(volume, claim)) candidates.push_back(volume);
    }
  }

  const Storage& storage_;
  VolumeNeeds needs_;
};

}  // namespace

VolumeNeeds decideVolumeNeeds(const core_v1::Pod& pod, const Storage& storage) {
  Needs needs(storage);
  for (const auto volume : pod.spec().volumes()) needs.add(pod, volume);
  return std::move(needs).take();
}

}  // namespace wherry::scheduler
