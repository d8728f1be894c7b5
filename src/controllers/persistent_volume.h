// The PersistentVolume controller: claims get volumes, and volumes that nobody claims any more go as their reclaim
// policy says. Volumes of the built-in provisioner are directories of one node; the node itself makes and removes them
// (kubelet/volumes/local_volumes.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "views/core_v1.h"
#include "views/storage_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makePersistentVolumeController(ControllerContext& context);
// Keeps claims that pods use, and volumes that claims use, from going (finalizers pvc-protection and pv-protection).
std::unique_ptr<Controller> makeStorageProtectionController(ControllerContext& context);

// -- pure ----------------------------------------------------------------------------------------------------------

// Whether the volume may be bound to the claim: class, mode, access modes, size, selector; and that nobody else has it.
bool fits(const core_v1::PersistentVolume& volume, const core_v1::PersistentVolumeClaim& claim);
// The volume that was kept for the claim by its claimRef, else the smallest that fits; null when there is none.
// `node`: the node chosen for the claim's pod; null: any.
core_v1::PersistentVolume chooseVolume(const core_v1::PersistentVolumeClaim& claim,
                                       const std::vector<core_v1::PersistentVolume>& volumes,
                                       const core_v1::Node* node);

// Whether the volume can be used on the node (spec.nodeAffinity).
bool reaches(const core_v1::PersistentVolume& volume, const core_v1::Node& node);

// Why a claim without a volume has none, as its event says; an empty reason where it may have one by provisioning.
struct Waiting {
  std::string reason;
  std::string message;
};
// `storageClass`: the claim's, empty when it has none.
Waiting decideWaiting(const core_v1::PersistentVolumeClaim& claim, const storage_v1::StorageClass& storageClass);

// A volume of the built-in provisioner: a directory below `directory` on the node.
json::Value localVolume(const core_v1::PersistentVolumeClaim& claim, const storage_v1::StorageClass& storageClass,
                        const core_v1::Node& node, std::string_view directory);

// status.phase of a volume; `claim` is the one that claimRef names and of the same uid, empty when there is none.
std::string decideVolumePhase(const core_v1::PersistentVolume& volume, const core_v1::PersistentVolumeClaim& claim);

// Whether a bound claim's status.capacity is its volume's: when it becomes bound, and for volumes of the built-in
// class. Later those of a driver may be larger than their file systems, until the node has let these grow.
bool takesCapacity(const core_v1::PersistentVolumeClaim& claim, const core_v1::PersistentVolume& volume);
// The fields of a bound claim's status.
json::Object boundStatus(const core_v1::PersistentVolumeClaim& claim, const core_v1::PersistentVolume& volume);
// Whether the claim is to grow and its driver's resizer hasn't begun.
bool awaitsExpansion(const core_v1::PersistentVolumeClaim& claim, const core_v1::PersistentVolume& volume);

// The claim's size where it has outgrown a volume of the built-in class; nothing otherwise. (Whether the class lets its
// claims grow, admission has asked.)
std::optional<std::string> decideGrowth(const core_v1::PersistentVolumeClaim& claim,
                                        const core_v1::PersistentVolume& volume);

}  // namespace wherry::controllers
