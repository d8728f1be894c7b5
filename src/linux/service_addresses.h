// Addresses that the node has for Services, not for itself, so that the kernel answers neighbours who ask for them: of
// IPv4 <address>/32 on lo, for which ARP is answered on every link, under the label "lo:wherry"; of IPv6 <address>/128
// on each link whose neighbours may ask, as neighbour discovery wants it, deprecated and under a protocol number of
// ours (before Linux 5.18 that is not kept, and what an earlier run left behind is not found). The node takes none of
// them as the source of a connection of its own. Of the calling thread's network namespace, idempotent,
// std::system_error.
#pragma once

#include <set>

#include "base/ip_address.h"
#include "linux/links.h"

namespace wherry::linux {

struct ServiceAddress {
  base::IpAddress address;
  int link = 0;  // its index; 0: lo
  auto operator<=>(const ServiceAddress&) const = default;
};

// Pure.
bool isServiceAddress(const InterfaceAddress& address);

std::set<ServiceAddress> listServiceAddresses();
void addServiceAddress(const ServiceAddress& address);
void removeServiceAddress(const ServiceAddress& address);

}  // namespace wherry::linux
