// The node's own addresses of both families and its ways out, as they are now in the calling thread's network
// namespace. Addresses that the node has for Services (service_addresses.h) are not its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace wherry::linux {

struct NodeAddresses {
  struct Address {
    std::string interface;
    base::IpAddress address;
    bool loopback = false;  // on lo
    auto operator<=>(const Address&) const = default;
  };
  struct DefaultRoute {
    std::string interface;
    std::optional<base::IpAddress> gateway;
    std::optional<base::IpAddress> source;  // the route's own choice of address
  };

  std::vector<Address>
      addresses;  // in the kernel's order; of IPv6 without link-local ones, which mean nothing elsewhere
  std::optional<DefaultRoute> defaultRoute;   // of IPv4
  std::optional<DefaultRoute> defaultRoute6;  // of IPv6
  uint32_t mtu = 1500;  // of the default route's link; without one the smallest of all links but lo

  bool contains(const base::IpAddress& address) const;
  const std::optional<DefaultRoute>& defaultRouteOf(base::IpFamily family) const {
    return family == base::IpFamily::kIPv4 ? defaultRoute : defaultRoute6;
  }
};

// The address of the family that stands for the node: the default route's source, else the first address of its
// interface, else the first that is on no loopback; nothing when there is none. Pure.
std::optional<base::IpAddress> findNodeIp(const NodeAddresses& addresses,
                                          base::IpFamily family = base::IpFamily::kIPv4);

// Throws std::system_error.
NodeAddresses readNodeAddresses();

}  // namespace wherry::linux
