#include "scheduler/volume_needs.h"

#include <fmt/format.h>

#include "meta/persistent_volumes.h"
#include "meta/quantity.h"

namespace wherry::scheduler {
namespace {

using core_v1::PersistentVolume;
using core_v1::PersistentVolumeClaim;
using storage_v1::CSIStorageCapacity;
using storage_v1::StorageClass;

std::optional<meta::Quantity> sizeAt(const json::Value& object, std::string_view path) {
  const std::string_view text = json::getString(object, path);
  return text.empty() ? std::nullopt : meta::Quantity::parse(text);
}

// Nothing for volumes that no driver has.
std::optional<DriverVolume> attachedOf(const PersistentVolumeClaim& claim, const Storage& storage) {
  if (claim.spec().volumeName().empty()) {
    const StorageClass storageClass(storage.storageClass(claim.spec().storageClassName()));
    if (!storageClass) return std::nullopt;
    return DriverVolume{std::string(storageClass.provisioner()), claim.key().text()};
  }
  const PersistentVolume volume(storage.volume(claim.spec().volumeName()));
  if (!volume || !volume.spec().hasCsi()) return std::nullopt;
  return DriverVolume{std::string(volume.spec().csi().driver()), std::string(volume.spec().csi().volumeHandle())};
}

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
    const StorageClass storageClass(storage_.storageClass(claim.spec().storageClassName()));
    if (storageClass.volumeBindingMode() != "WaitForFirstConsumer") {
      return block("pod has unbound immediate PersistentVolumeClaims");
    }
    needs_.unbound.push_back(claim);
    if (storageClass.provisioner() == "kubernetes.io/no-provisioner") {
      needs_.candidates.push_back(candidatesOf(claim));
    } else {
      addProvisioning(claim, storageClass);
    }
  }

  void addProvisioning(const PersistentVolumeClaim& claim, const StorageClass& storageClass) {
    const storage_v1::CSIDriver driver(storage_.csiDriver(storageClass.provisioner()));
    Provisioning out{
        .storageClass = storageClass, .limited = driver.spec().storageCapacity(), .room = {}, .candidates = {}};
    if (!out.limited && storageClass.allowedTopologies().empty()) return;
    out.candidates = candidatesOf(claim);
    if (out.limited) out.room = roomFor(claim);
    needs_.provisioned.push_back(std::move(out));
  }

  // KEP-1472: maximumVolumeSize says it better than capacity.
  std::vector<CSIStorageCapacity> roomFor(const PersistentVolumeClaim& claim) const {
    const auto wanted = sizeAt(claim.object()->tree(), "spec.resources.requests.storage").value_or(meta::Quantity());
    std::vector<CSIStorageCapacity> out;
    for (const auto& object : storage_.capacities()) {
      const CSIStorageCapacity capacity(object);
      auto room = sizeAt(object->tree(), "maximumVolumeSize");
      if (!room) room = sizeAt(object->tree(), "capacity");
      const bool enough = room && *room >= wanted && capacity.storageClassName() == claim.spec().storageClassName();
      if (enough) out.push_back(capacity);
    }
    return out;
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

  std::vector<PersistentVolume> candidatesOf(const PersistentVolumeClaim& claim) const {
    std::vector<PersistentVolume> out;
    for (const auto& object : storage_.volumes()) {
      const PersistentVolume volume(object);
      if (isFree(volume, claim)) out.push_back(volume);
    }
    return out;
  }

  const Storage& storage_;
  VolumeNeeds needs_;
};

}  // namespace

VolumeNeeds decideVolumeNeeds(const core_v1::Pod& pod, const Storage& storage) {
  Needs needs(storage);
  for (const auto volume : pod.spec().volumes()) needs.add(pod, volume);
  VolumeNeeds out = std::move(needs).take();
  out.attached = attachedVolumes(pod, storage);
  return out;
}

DriverVolumes attachedVolumes(const core_v1::Pod& pod, const Storage& storage) {
  DriverVolumes out;
  for (const std::string& name : meta::claimNamesOf(*pod.object())) {
    const PersistentVolumeClaim claim(storage.claim(pod.metadata().ns(), name));
    if (auto volume = claim ? attachedOf(claim, storage) : std::nullopt) out.insert(std::move(*volume));
  }
  return out;
}

}  // namespace wherry::scheduler
