// Who HAProxy is, and what it may read of its directory. Stateless; safe from any thread.
//
// It is started as root, and becomes its user in an empty chroot before it serves anybody: all it needs it has by then.
// To use a client's address as its own, though, it has to be privileged as long as it runs (IP_TRANSPARENT, ip(7)), and
// up to version 2.8 it refuses to become another user then. So it is started as its user, with the capabilities that it
// needs and no others, nor any way to more; and its directory is for its group to read.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "ingress/backend_text.h"

namespace wherry::ingress {

enum class Start { kAsRoot, kAsItsUser };

// What stands before "haproxy" on the command line. Pure.
std::vector<std::string> launcherWords(const Settings& settings, Start start);

class Account {
 public:
  // Throws std::system_error when there is no such user.
  Account(const Settings& settings, Start start);

  // Files and directories that HAProxy reads, made before.
  void letRead(const std::string& path) const;
  // Those that it writes while it starts.
  void letWrite(const std::string& path) const;

 private:
  Start start_;
  uid_t user_ = 0;
  gid_t group_ = 0;
};

}  // namespace wherry::ingress
