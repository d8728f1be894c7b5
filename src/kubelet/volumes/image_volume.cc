#include "kubelet/volumes/image_volume.h"

#include "base/fd.h"
#include "linux/mounts.h"

namespace wherry::kubelet {

bool isImageMounted(const std::string& target) {
  const auto mounts = linux::readMounts();
  const auto* mount = linux::findMountOf(mounts, target);
  return mount && mount->target == target;
}

void mountImage(std::vector<std::string> lower, const std::string& target) {
  base::makeDirectories(target);
  // Layers are kept as long as an overlay shows them, and the kernel makes none of a single directory.
  const std::string empty = target + ".empty";
  base::makeDirectories(empty);
  lower.push_back(empty);
  linux::mountOverlay({.lower = std::move(lower), .upper = {}, .work = {}}, target);
}

}  // namespace wherry::kubelet
