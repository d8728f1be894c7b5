// Reads tar archives, compressed or not, entry by entry, over libarchive. One thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "kubelet/images/digest.h"

namespace wherry::kubelet {

struct TarEntry {
  std::string path;  // as the archive says
  mode_t type = 0;   // S_IFREG, S_IFDIR, ...; 0 for a hard link
  mode_t mode = 0;   // permission bits
  uid_t uid = 0;
  gid_t gid = 0;
  int64_t modified = 0;  // seconds since 1970
  std::string symlink;   // target
  std::string hardlink;  // target, a path inside the archive
  std::vector<std::pair<std::string, std::string>> xattrs;
};

class TarReader {
 public:
  // Throws std::runtime_error when the file can't be read as a tar archive. `content` is given the whole archive as it
  // is without compression; it must outlive the reader.
  explicit TarReader(const std::string& file, Sha256* content = nullptr);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  bool next(TarEntry& entry);  // false at the end; throws std::runtime_error on damage
  // The content of the current entry, in pieces.
  void readData(const std::function<void(std::string_view)>& piece);
  // After the end: what pads the archive. Throws std::runtime_error when that is damaged, or more than padding is.
  void readPadding();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::kubelet
