#include "kubelet/images/disk_space.h"

#include <algorithm>

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "base/fd.h"

namespace wherry::kubelet {

uint64_t DiskSpace::forImages() const {
  constexpr uint64_t kMostReserved = 1ULL << 30;
  uint64_t reserved = std::min(kMostReserved, capacity / 20);
  return available > reserved ? available - reserved : 0;
}

DiskSpace readDiskSpace(const std::string& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) base::throwErrno("statvfs " + path);
  return {.capacity = status.f_blocks * status.f_frsize, .available = status.f_bavail * status.f_frsize};
}

std::string humanBytes(uint64_t bytes) {
  auto amount = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) return fmt::format("{:.1f} GB", amount / 1e9);
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", amount / 1e6);
  return fmt::format("{:.1f} kB", amount / 1e3);
}

}  // namespace wherry::kubelet
