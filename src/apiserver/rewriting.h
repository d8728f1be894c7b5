// Writes stored objects anew as they are, so that the disk has them under the encryption's first key. Each gets a new
// revision, as every write does.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apiserver/encryption_configuration.h"
#include "storage/store.h"

namespace wherry::apiserver {

struct Rewritten {
  size_t written = 0;
  std::vector<std::string> unreadable;  // their keys
  std::string failure;                  // why the store refused; empty when it did not
};

// All that `configuration` names. Blocks until it is durable. An object that somebody else writes or removes meanwhile
// needs nothing more. Safe from any thread but the store's own.
Rewritten rewriteEncrypted(storage::Store& store, const EncryptionConfiguration& configuration);

}  // namespace wherry::apiserver
