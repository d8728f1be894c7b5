// A test host for tests that run real containers: the test process moves into a mount and a network namespace of its
// own, once, before it has any threads. Skips, with the reason, where that can't be.
#pragma once

#include <string>

#include <gtest/gtest.h>

namespace wherry::kubelet {

// Why containers can't be run here; "" when they can. The first call enters the namespaces.
const std::string& enterTestHost();

// A directory that is gone, with all mounts and control groups of the pods in it, when the test ends.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  std::string data() const { return path_ + "/data"; }
  std::string run() const { return path_ + "/run"; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A directory with busybox and its links in bin/: a root file system.
std::string makeBusyboxLayer(const std::string& directory);

// An OCI archive of that, named `name`, whose default command is `sh`.
void writeBusyboxArchive(const std::string& file, const std::string& name);

}  // namespace wherry::kubelet

#define SKIP_WITHOUT_HOST() \
  if (!::wherry::kubelet::enterTestHost().empty()) GTEST_SKIP() << ::wherry::kubelet::enterTestHost()
