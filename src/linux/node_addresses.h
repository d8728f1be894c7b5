// The node's own IPv4 addresses and its way out, as they are now in the calling thread's network namespace. Addresses
// that the node has for Services (service_addresses.h) are not its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "linux/ipv4.h"

namespace wherry::linux {

struct NodeAddresses {
  struct Address {
    std::string interface;
    Ipv4Address address;
    bool loopback = false;  // on lo
    auto operator<=>(const Address&) const = default;
  };
  struct DefaultRoute {
    std::string interface;
    std::optional<Ipv4Address> gateway;
    std::optional<Ipv4Address> source;  // the route's own choice of address
  };

  std::vector<Address> addresses;  // in the kernel's order
  std::optional<DefaultRoute> defaultRoute;
  uint32_t mtu = 1500;  // of the default route's link; without one the smallest of all links but lo

  bool contains(Ipv4Address address) const;
};

// The address that stands for the node: the default route's source, else the first address of its interface, else the
// first that is on no loopback; nothing when there is none. Pure.
std::optional<Ipv4Address> findNodeIp(const NodeAddresses& addresses);

// Throws std::system_error.
NodeAddresses readNodeAddresses();

}  // namespace wherry::linux
