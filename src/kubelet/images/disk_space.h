// How full a file system is.
#pragma once

#include <cstdint>
#include <string>

namespace wherry::kubelet {

struct DiskSpace {
  uint64_t capacity = 0;   // bytes
  uint64_t available = 0;  // to us

  // As upstream's image manager counts it: what is reserved for root is in use.
  int usedPercent() const { return capacity == 0 ? 0 : 100 - static_cast<int>(available * 100 / capacity); }
  // What images may take: a piece stays free for the database, logs and the pods themselves.
  uint64_t forImages() const;
};

// Of the file system that holds `path`. Throws std::system_error.
DiskSpace readDiskSpace(const std::string& path);

// "12.3 MB", for people. Pure.
std::string humanBytes(uint64_t bytes);

}  // namespace wherry::kubelet
