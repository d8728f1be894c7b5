// A network namespace that lives as long as the object: for tests that load rules and links without touching the node.
#pragma once

#include <functional>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/links.h"
#include "linux/namespaces.h"

namespace wherry::linux {

class ScratchNamespace {
 public:
  // False: this process may not make namespaces; the test is to be skipped.
  static bool allowed() { return ::geteuid() == 0; }

  // With lo up.
  ScratchNamespace() {
    std::thread([this] {
      if (::unshare(CLONE_NEWNET) == 0) fd_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    }).join();
    if (!fd_) base::throwErrno("make a network namespace");
    run([] {
      NetlinkSocket socket(0);  // NETLINK_ROUTE
      setLinkUp(socket, findLink(socket, "lo")->index);
    });
  }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  void run(const std::function<void()>& inside) const { runInNetworkNamespace(path(), inside); }

 private:
  base::Fd fd_;
};

}  // namespace wherry::linux
