// Routes of the main table, by rtnetlink. As links.h: in the socket's namespace, std::system_error, idempotent.
#pragma once

#include <optional>
#include <vector>

#include "base/ip_address.h"
#include "linux/netlink_socket.h"

namespace wherry::linux {

struct Route {
  base::IpPrefix destination;              // 0.0.0.0/0 and ::/0 are the default routes
  std::optional<base::IpAddress> gateway;  // reached on the link itself, whatever addresses the link has ("onlink")
  std::optional<base::IpAddress> source;   // what a socket that bound none takes as its address
  int index = 0;                           // of the link
  uint32_t metric = 0;
  bool own = false;  // read only: setRoute() made it, in whichever process
};

std::vector<Route> listRoutes(NetlinkSocket& socket);  // of both families
// The family's default route with the lowest metric.
std::optional<Route> findDefaultRoute(const std::vector<Route>& routes, base::IpFamily family = base::IpFamily::kIPv4);

void setRoute(NetlinkSocket& socket, const Route& route);  // adds or replaces
void removeRoute(NetlinkSocket& socket, const Route& route);

}  // namespace wherry::linux
