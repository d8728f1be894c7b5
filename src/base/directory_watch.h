// DirectoryWatch: tells that something in a directory may have changed (a file written and closed, moved, removed,
// linked), by inotify. Changes that come together are told together. The directory is made when it is missing, also
// when it is removed later, so that there always is one to put files into.
#pragma once

#include <functional>
#include <map>
#include <set>
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

// What lies in a directory: its regular files whose names don't begin with a dot, by their paths; links are followed.
struct DirectoryFiles {
  std::map<std::string, std::string> texts;
  std::map<std::string, std::string> unreadable;  // why: too large, no permission
  std::set<std::string> beingWritten;             // somebody has it open for writing: half of it would be read

  // It is not there any more. One that was replaced while the directory was read is, whether it was seen or not.
  bool lacks(const std::string& path) const;
};

// A missing directory has no files; throws std::system_error where it can't be read. Who opens a file for writing
// while it is read waits. Whether a file is being written is not known on file systems of other machines. After the
// close that a watch tells of, a file may count as being written for a moment more: look again.
DirectoryFiles readDirectoryFiles(const std::string& directory, size_t maxBytes);

}  // namespace wherry::base
