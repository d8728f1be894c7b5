// In which order, and by which maps, HAProxy finds the route of a request. Pure.
//
// Hosts come in levels, looked at one after the other: named ones, "*.one.label", "*.any.depth", all. Within a level a
// request's host and path together are a key, which two maps find whole (exact) or by its longest beginning (prefix).
// They lead to a leaf: the routes that may be meant, the best first, up to one without conditions. Hosts with regular
// expressions have no keys: their routes are looked at one by one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ingress/routing.h"

namespace wherry::ingress {

// The place of a route in Port::routes.
using RouteIndex = size_t;

struct Leaf {
  std::vector<RouteIndex> routes;
  auto operator<=>(const Leaf&) const = default;
};

enum class HostLevel { kNamed, kOneLabel, kAnyDepth, kAll };

struct RouteLevel {
  HostLevel level = HostLevel::kAll;
  // Keys begin with the host as patterns write it ("*.example.com/"; of kAll: "/").
  std::map<std::string, Leaf> exact;
  // "host/path/" of a prefix by elements, "host/path" of one by characters: to be looked for with a "/" behind the
  // path.
  std::map<std::string, Leaf> prefix;
  // Of hosts with regular expressions: every route, the best first.
  std::map<std::string, std::vector<RouteIndex>> listed;
  // Of kAnyDepth: its hosts, the longest first.
  std::vector<std::string> hosts;
};

// Levels without routes are left out.
std::vector<RouteLevel> tabulate(const std::vector<Route>& routes);

}  // namespace wherry::ingress
