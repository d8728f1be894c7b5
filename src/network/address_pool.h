// AddressPool: which of a node's pod addresses is handed out next. Pure; not thread-safe.
//
// It goes round the CIDR, so that an address that became free is used again as late as possible: caches of peers and
// connection tracking have forgotten its last owner by then. The network's and the broadcast address are left out; IPv6
// has no broadcast.
#pragma once

#include <optional>
#include <set>

#include "base/ip_address.h"

namespace wherry::network {

class AddressPool {
 public:
  // `last` is the address handed out last, in an earlier life too; the next one comes after it.
  AddressPool(const base::IpPrefix& cidr, std::optional<base::IpAddress> last = {});

  base::IpFamily family() const { return first_.family(); }

  // Says that an address has an owner, also one outside the CIDR.
  void take(const base::IpAddress& address) { taken_.insert(address); }
  // The next free address, now taken; nothing when all are.
  std::optional<base::IpAddress> takeNext();
  void release(const base::IpAddress& address) { taken_.erase(address); }

 private:
  base::IpAddress first_;
  uint64_t count_;
  uint64_t last_;  // how many behind the first
  std::set<base::IpAddress> taken_;
};

}  // namespace wherry::network
