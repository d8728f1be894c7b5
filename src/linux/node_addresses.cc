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

bool NodeAddresses::contains(Ipv4Address address) const {
  return std::any_of(addresses.begin(), addresses.end(), [&](const Address& own) { return own.address == address; });
}

std::optional<Ipv4Address> findNodeIp(const NodeAddresses& node) {
  if (node.defaultRoute && node.defaultRoute->source) return node.defaultRoute->source;
  auto firstWhere = [&](auto holds) -> std::optional<Ipv4Address> {
    auto found = std::find_if(node.addresses.begin(), node.addresses.end(), holds);
    return found == node.addresses.end() ? std::nullopt : std::optional(found->address);
  };
  if (node.defaultRoute) {
    auto ip = firstWhere([&](const auto& own) { return own.interface == node.defaultRoute->interface; });
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
    node.addresses.push_back({link.name, own.address, link.loopback});
  }
  auto route = findDefaultRoute(listRoutes(socket));
  node.mtu = smallestMtu(links);
  if (!route) return node;
  const Link& out = links[route->index];
  node.defaultRoute = NodeAddresses::DefaultRoute{out.name, route->gateway, route->source};
  if (out.mtu > 0) node.mtu = out.mtu;
  return node;
}

}  // namespace wherry::linux
