#include "linux/node_addresses.h"

#include <algorithm>
#include <map>

#include <linux/netlink.h>

#include "linux/links.h"
#include "linux/routes.h"
#include "linux/service_addresses.h"

namespace wherry::linux {
namespace {

uint32_t smallestMtu(const std::map<int, Link>& links) {
  uint32_t mtu = 1500;
  for (const auto& [index, link] : links) {
    if (link.up && !link.loopback && link.mtu > 0) mtu = std::min(mtu, link.mtu);
  }
  return mtu;
}

}  // namespace

bool NodeAddresses::contains(const base::IpAddress& address) const {
  return std::any_of(addresses.begin(), addresses.end(), [&](const Address& own) { return own.address == address; });
}

std::optional<base::IpAddress> findNodeIp(const NodeAddresses& node, base::IpFamily family) {
  const auto& route = node.defaultRouteOf(family);
  if (route && route->source) return route->source;
  auto firstWhere = [&](auto holds) -> std::optional<base::IpAddress> {
    auto found = std::find_if(node.addresses.begin(), node.addresses.end(),
                              [&](const auto& own) { return own.address.family() == family && holds(own); });
    return found == node.addresses.end() ? std::nullopt : std::optional(found->address);
  };
  if (route) {
    auto ip = firstWhere([&](const auto& own) { return own.interface == route->interface; });
    if (ip) return ip;
  }
  return firstWhere([](const auto& own) { return !own.loopback; });
}

NodeAddresses readNodeAddresses() {
  NetlinkSocket socket(NETLINK_ROUTE);
  std::map<int, Link> links;
  for (Link& link : listLinks(socket)) links.emplace(link.index, link);
  NodeAddresses node;
  for (const InterfaceAddress& own : listAddresses(socket)) {
    if (isServiceAddress(own)) continue;
    const Link& link = links[own.index];
    if (own.address.family() == base::IpFamily::kIPv6 && own.address.isLinkLocal()) continue;
    node.addresses.push_back({link.name, own.address, link.loopback});
  }
  node.mtu = smallestMtu(links);
  auto routes = listRoutes(socket);
  // Last that of IPv4, whose link's MTU it is where there are two.
  for (base::IpFamily family : {base::IpFamily::kIPv6, base::IpFamily::kIPv4}) {
    auto route = findDefaultRoute(routes, family);
    if (!route) continue;
    const Link& out = links[route->index];
    (family == base::IpFamily::kIPv4 ? node.defaultRoute : node.defaultRoute6) =
        NodeAddresses::DefaultRoute{out.name, route->gateway, route->source};
    if (out.mtu > 0) node.mtu = out.mtu;
  }
  return node;
}

}  // namespace wherry::linux
