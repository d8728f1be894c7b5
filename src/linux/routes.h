// IPv4 routes of the main table, by rtnetlink. As links.h: in the socket's namespace, std::system_error, idempotent.
#pragma once

#include <optional>
#include <vector>

#include "linux/ipv4.h"
#include "linux/netlink_socket.h"

namespace wherry::linux {

struct Route {
  Ipv4Prefix destination;              // 0.0.0.0/0 is the default route
  std::optional<Ipv4Address> gateway;  // reached on the link itself, whatever addresses the link has ("onlink")
  std::optional<Ipv4Address> source;   // what a socket that bound none takes as its address
  int index = 0;                       // of the link
  uint32_t metric = 0;
  bool own = false;  // read only: setRoute() made it, in whichever process
};

std::vector<Route> listRoutes(NetlinkSocket& socket);
// The default route with the lowest metric.
std::optional<Route> findDefaultRoute(const std::vector<Route>& routes);

void setRoute(NetlinkSocket& socket, const Route& route);  // adds or replaces
void removeRoute(NetlinkSocket& socket, const Route& route);

}  // namespace wherry::linux
