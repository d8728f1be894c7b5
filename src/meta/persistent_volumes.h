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

// The PersistentVolumeClaims that a pod uses, those of its ephemeral volumes among them.
std::vector<std::string> claimNamesOf(const Object& pod);

}  // namespace wherry::meta
