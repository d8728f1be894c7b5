// Stored bytes that are no object: those of a row whose key is not configured (any more) lie in memory as on the disk,
// "k8s:enc:...". Reading one is an error that names it; everything else goes on.
#pragma once

#include <string_view>

#include "storage/store.h"

namespace wherry::apiserver {

inline bool isReadable(std::string_view storedBytes) { return storedBytes.starts_with('{'); }

// Throws InternalError when it can't be read.
const storage::EntryPtr& requireReadable(const storage::EntryPtr& entry);

}  // namespace wherry::apiserver
