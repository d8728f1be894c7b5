// How resources are encrypted on the disk: the EncryptionConfiguration (apiserver.config.k8s.io/v1) that
// --encryption-config names. Pure but for random numbers; safe from any thread.
//
//   resources:
//   - resources: [secrets, configmaps, "*.apps"]   the first entry that names a resource is its own
//     providers:                                   the first one's first key writes; all of all read
//     - aesgcm: {keys: [{name: key1, secret: <base64>}]}
//     - identity: {}                               as it is; as the first one it ends encryption
//
// What was written plainly stays readable, with `identity` and without, until it is written anew.
// A value on the disk says how to read it, as upstream's do: "k8s:enc:aesgcm:v1:key1:" and then the sealed bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pki/sealing.h"
#include "storage/transformed_engine.h"

namespace wherry::apiserver {

struct EncryptionKey {
  std::string prefix;  // "k8s:enc:aesgcm:v1:key1:"; empty: as it is
  pki::Cipher cipher = pki::Cipher::kAesGcm;
  std::string secret;
};

struct EncryptedResources {
  std::vector<std::string> resources;  // "secrets", "deployments.apps", "*.apps", "*.", "*.*"
  std::vector<EncryptionKey> keys;     // the first one writes
};

using EncryptionConfiguration = std::vector<EncryptedResources>;

// Throws std::runtime_error with the field and what is wrong with it.
EncryptionConfiguration parseEncryptionConfiguration(std::string_view yaml);

// Which keys are those of a stored object's key; null when it is written as it is.
const EncryptedResources* findEncryption(const EncryptionConfiguration& configuration, std::string_view key);

storage::ValueTransformer makeTransformer(EncryptionConfiguration configuration);

}  // namespace wherry::apiserver
