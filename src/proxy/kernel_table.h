// KernelTable: keeps `ip wherry_proxy` and the connections that go through it as Slots says. An instance belongs to one
// thread, and acts in the network namespace of the thread that made it. Failures are nft::BatchError or
// std::system_error.
#pragma once

#include "linux/netlink_socket.h"
#include "proxy/ruleset.h"
#include "proxy/slots.h"

namespace wherry::proxy {

class KernelTable {
 public:
  KernelTable();

  // Writes the whole table.
  void replace(const Slots& slots);
  // Writes `changes`, after which it is as `slots` says. Connections by UDP to an endpoint that went away are
  // forgotten, so that their next packet finds another one.
  void apply(const Slots& slots, const Changes& changes);

 private:
  linux::NetlinkSocket socket_;
  Sizes sizes_;
};

}  // namespace wherry::proxy
