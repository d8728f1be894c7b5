// KernelTable: keeps the table `wherry_proxy` of one family and the connections that go through it as Slots says. An
// instance belongs to one thread, and acts in the network namespace of the thread that made it. Failures are
// nft::BatchError or std::system_error.
#pragma once

#include "linux/netlink_socket.h"
#include "linux/nft/base_chains.h"
#include "proxy/ruleset.h"
#include "proxy/slots.h"

namespace wherry::proxy {

class KernelTable {
 public:
  explicit KernelTable(Cidrs cidrs);

  // Writes the whole table, in one step where one is in use, else in chunks; and the route that lets the node's own
  // packets to cluster IPs reach it when there is no other, and one for pods that are gone. Which clients keep to which
  // endpoints stays.
  void replace(const Slots& slots);
  // Writes `changes`, after which it is as `slots` says. Connections by UDP to an endpoint that went away are
  // forgotten, so that their next packet finds another one; so are the clients that kept to it.
  void apply(const Slots& slots, const Changes& changes);

 private:
  void setRoutes();
  void keepAffinity(linux::nft::Batch& batch, const Slots& slots);

  Cidrs cidrs_;
  linux::NetlinkSocket socket_;
  Shapes shapes_;
  std::set<ServicePort> withAffinity_;  // as in the kernel
};

// Removes those routes.
void removeRoutes();

}  // namespace wherry::proxy
