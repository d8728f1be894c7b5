// Whether a store's disk takes writes.
#pragma once

#include <string>

#include "storage/store.h"

namespace wherry::storage {

// A store that can tell. openStore()'s can, and what stands before it passes the question on.
class Refusing {
 public:
  virtual ~Refusing() = default;
  virtual std::string refusal() = 0;  // as refusalOf()
};

// Why the engine refused what it was last asked to write; empty when it did not. While it does, calls make it try
// again in the background, once a second at most, so that who goes on asking learns of the recovery, also when nobody
// writes. Any thread.
// Empty also of a store that can't tell.
std::string refusalOf(Store& store);

}  // namespace wherry::storage
