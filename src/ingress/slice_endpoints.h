// From EndpointSlices to the endpoints of a Service's ports. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ingress/servers.h"
#include "meta/object.h"

namespace wherry::ingress {

// Those that are ready; when none is, those that still serve while they terminate (KEP-1669). Of a Service in both
// families each pod comes once, by its IPv4 address, unless one family is asked for. Sorted.
std::vector<Endpoint> endpointsOf(const ServicePort& port, const std::vector<meta::ObjectPtr>& endpointSlices,
                                  std::optional<base::IpFamily> family = std::nullopt);

}  // namespace wherry::ingress
