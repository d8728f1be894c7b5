// The file that --encryption-config names.
#pragma once

#include <string>

#include "apiserver/encryption_configuration.h"

namespace wherry::main {

// Empty when `path` is. Warns when others than the owner may read the file. Throws std::runtime_error with the flag,
// the file and what is wrong.
apiserver::EncryptionConfiguration readEncryptionFile(const std::string& path);

}  // namespace wherry::main
