// What a pod holds of its node, beside logs and records. Read from the disk and the kernel, whatever is remembered.
// Safe from any thread.
#pragma once

#include <string>

#include "kubelet/csi/csi_volume.h"
#include "kubelet/runtime/containers.h"
#include "kubelet/runtime/sandbox.h"

namespace wherry::kubelet {

struct PodHoldings {
  const Containers& containers;
  const Sandboxes& sandboxes;
  CsiPaths storage;

  bool runs(const std::string& uid) const;     // a container of it
  bool volumes(const std::string& uid) const;  // be they half made or half removed
  bool any(const std::string& uid) const;
};

}  // namespace wherry::kubelet
