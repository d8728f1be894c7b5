// DirectoryWatch: tells that something in a directory may have changed (a file written and closed, moved, removed,
// linked), by inotify. Changes that come together are told together. The directory is made when it is missing, also
// when it is removed later, so that there always is one to put files into.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <thread>

#include "base/fd.h"

namespace wherry::base {

class DirectoryWatch {
 public:
  // From now on calls `onChange` on a thread of its own: once at the beginning, then after changes. It must not throw.
  // Throws std::system_error.
  DirectoryWatch(std::string directory, std::function<void()> onChange);
  ~DirectoryWatch();  // waits for a call that runs
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

 private:
  void follow();
  bool waitForChange();
  void attach();

  std::string directory_;
  std::function<void()> onChange_;
  Fd inotify_;
  int watch_ = -1;
  Pipe stop_ = makePipe();
  std::jthread thread_;
};

// The regular files of a directory whose names don't begin with a dot, by their paths, sorted; links are followed.
// Nothing of one that is larger than `maxBytes` or can't be read: `onError` is told of it. A missing directory has no
// files; throws std::system_error where it can't be read.
std::map<std::string, std::string> readDirectoryFiles(
    const std::string& directory, size_t maxBytes,
    const std::function<void(const std::string& path, const std::string& why)>& onError);

}  // namespace wherry::base
