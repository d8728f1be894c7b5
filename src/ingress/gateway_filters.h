// What the filters of a rule, or of one of its backends, do with requests and answers. Pure.
#pragma once

#include <optional>
#include <string>

#include "ingress/gateway_backends.h"
#include "ingress/routing.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

struct FilterOutcome {
  std::optional<std::string> unsupported;  // what can't be done here
  std::optional<Finding> unresolved;       // a reference that leads nowhere
};

// `filters`: a list of HTTPRouteFilter or GRPCRouteFilter. Adds what they do to `to`.
FilterOutcome applyFilters(const json::Array& filters, const ReferringRoute& route, Backend& to);

// A redirect names no port of its own when it goes to the port of its scheme: what is left open is the listener's.
void finishRedirect(Redirect& redirect, uint16_t listenerPort, bool tls);

}  // namespace wherry::ingress
