// What a node has left, read from the kernel now.
#pragma once

#include <cstdint>
#include <string>

#include "kubelet/eviction/thresholds.h"

namespace wherry::kubelet {

// nodefs is the file system of `dataDir`, imagefs that of its images. What can't be read is left out. Memory that is
// available is the kernel's own estimate (MemAvailable): what can be had without harm, caches with it.
Supplies readSupplies(const std::string& dataDir);

}  // namespace wherry::kubelet
