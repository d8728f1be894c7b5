// KernelTable: keeps the table `wherry_policy` of one family. An instance belongs to one thread, and acts in the
// network namespace of the thread that made it. Failures are nft::BatchError or std::system_error.
#pragma once

#include "linux/netlink_socket.h"
#include "policy/ruleset.h"

namespace wherry::policy {

class KernelTable {
 public:
  explicit KernelTable(const base::IpPrefix& ownPods);

  void replace(const Content& content);     // in one step
  void apply(const ContentChange& change);  // in up to three

 private:
  base::IpPrefix ownPods_;
  linux::NetlinkSocket socket_;
};

// Removes the tables of both families, if there are any. Throws std::system_error.
void removePolicyRules();

}  // namespace wherry::policy
