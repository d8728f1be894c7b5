// What a pod needs of its namespace, by name: a node may read it while the pod is bound to it. Pure.
#pragma once

#include <string>
#include <vector>

#include "json/value.h"

namespace wherry::apiserver {

struct PodReferences {
  std::string node;  // spec.nodeName
  std::string ns;
  std::string name;
  std::vector<std::string> secrets;
  std::vector<std::string> configMaps;
  std::vector<std::string> claims;          // PersistentVolumeClaims, those of ephemeral volumes too
  std::vector<std::string> resourceClaims;  // KEP-4381
  std::string serviceAccount;
};

// A mirror pod is made by the node itself: it leads to nothing.
PodReferences readPodReferences(const json::Value& pod);

// The Secrets that a PersistentVolume's driver reads.
struct SecretReference {
  std::string ns;  // "" is the claim's own
  std::string name;
};
std::vector<SecretReference> readVolumeSecrets(const json::Value& persistentVolume);

}  // namespace wherry::apiserver
