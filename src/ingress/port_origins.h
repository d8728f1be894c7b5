// Everybody who has a part in a port. Pure.
#pragma once

#include <set>

#include "ingress/routing.h"

namespace wherry::ingress {

inline std::set<Origin> originsOf(const Port& port) {
  std::set<Origin> origins;
  for (const Route& route : port.routes) origins.insert(route.origin);
  for (const Passthrough& each : port.passthroughs) origins.insert(each.origin);
  return origins;
}

}  // namespace wherry::ingress
