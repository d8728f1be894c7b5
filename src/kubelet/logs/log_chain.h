// LogChain: one container's log over its rotations, as one stream of bytes. Opens the files that are there at once, so
// that none is missed when the next rotation comes, and goes on from a file to the one after it once that is complete.
// One thread.
#pragma once

#include <deque>
#include <string>

#include <sys/types.h>

#include "base/clock.h"
#include "base/fd.h"

namespace wherry::kubelet {

class LogChain {
 public:
  explicit LogChain(std::string log);

  // Leaves out whole files that were written last before this time.
  void skipBefore(base::WallTime time);
  // Begins at the last `lines` lines.
  void seekToTail(int64_t lines);
  // The next bytes, up to `limit`; 0 when there are none now.
  size_t read(char* buffer, size_t limit);

 private:
  struct File {
    base::Fd fd;
    ino_t inode = 0;
    off_t offset = 0;
  };

  // Appends what is there and isn't in the chain yet. REQUIRES: the chain is empty or its last file is open.
  void openNewer();
  bool rotated() const;  // another file has the log's name now

  std::string log_;
  std::deque<File> files_;  // the first is being read; the last is the newest that is known
};

}  // namespace wherry::kubelet
