// AddressPool: which of a node's pod addresses is handed out next. Pure; not thread-safe.
//
// It goes round the CIDR, so that an address that became free is used again as late as possible: caches of peers and
// connection tracking have forgotten its last owner by then. The network's and the broadcast address are left out.
#pragma once

#include <optional>
#include <set>

#include "linux/ipv4.h"

namespace wherry::network {

class AddressPool {
 public:
  // `last` is the address handed out last, in an earlier life too; the next one comes after it.
  AddressPool(linux::Ipv4Prefix cidr, std::optional<linux::Ipv4Address> last = {});

  // Says that an address has an owner, also one outside the CIDR.
  void take(linux::Ipv4Address address) { taken_.insert(address); }
  // The next free address, now taken; nothing when all are.
  std::optional<linux::Ipv4Address> takeNext();
  void release(linux::Ipv4Address address) { taken_.erase(address); }

 private:
  uint32_t first_;
  uint32_t count_;
  uint32_t last_;
  std::set<linux::Ipv4Address> taken_;
};

}  // namespace wherry::network
