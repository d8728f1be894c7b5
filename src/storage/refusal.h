// Whether a store's disk takes writes.
#pragma once

#include <string>

#include "storage/store.h"

namespace wherry::storage {

// Why the engine refused what it was last asked to write; empty when it did not. While it does, calls make it try
// again in the background, once a second at most, so that who goes on asking learns of the recovery, also when nobody
// writes. Any thread.
// REQUIRES: a store of openStore() or one of its kin.
std::string refusalOf(Store& store);

}  // namespace wherry::storage
