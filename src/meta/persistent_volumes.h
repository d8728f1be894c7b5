// What those who make, bind, mount and protect PersistentVolumes agree on: annotations, finalizers, names of claims.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "meta/object.h"

namespace wherry::meta {

// The provisioner of the class that every cluster has; of its volumes also a finalizer: the node removes the directory
// first.
inline constexpr std::string_view kLocalProvisioner = "wherry.dev/local-path";
inline constexpr std::string_view kProvisionedBy = "pv.kubernetes.io/provisioned-by";
// Of a claim: where its pod goes, and so where its volume has to be.
inline constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";
inline constexpr std::string_view kClaimProtection = "kubernetes.io/pvc-protection";
inline constexpr std::string_view kVolumeProtection = "kubernetes.io/pv-protection";

// The claim of one of the pod's volumes: the one that it names, or the one that is made for an ephemeral volume; "" for
// volumes of other kinds.
std::string claimNameOf(const Object& pod, const json::Object& volume);

// Whether a claim is the one that was made for an ephemeral volume of the pod, and not somebody else's under its name;
// and what is said when it isn't.
bool isMadeFor(const Object& claim, const Object& pod);
std::string notMadeFor(const Object& claim, const Object& pod);

// The name of the VolumeAttachment of a driver's volume to a node, "csi-<hash>"; and how Node.status.volumesInUse calls
// such a volume.
std::string attachmentName(std::string_view handle, std::string_view driver, std::string_view node);
std::string uniqueVolumeName(std::string_view driver, std::string_view handle);

// The PersistentVolumeClaims that a pod uses, those of its ephemeral volumes among them.
std::vector<std::string> claimNamesOf(const Object& pod);

}  // namespace wherry::meta
