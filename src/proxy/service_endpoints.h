// From API objects to what the kernel shall do: a Service and its EndpointSlices become ServiceEndpoints. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "meta/object.h"
#include "proxy/service_port.h"

namespace wherry::proxy {

// What the proxy knows of the node it runs on.
struct Node {
  std::string name;
  std::set<base::IpAddress> addresses;            // a cluster IP among them (the cluster DNS address) is left alone
  std::string zone = {};                          // "" when it has none
  base::IpFamily family = base::IpFamily::kIPv4;  // in which Services are looked at
};

// Of the node's family: cluster IPs, external IPs, addresses of the load balancer and node ports. Nothing for a Service
// without cluster IP (headless, ExternalName), and for one that names another proxy. Endpoints are those that are
// ready; of them those that are hinted for this node, or else for its zone, where all have such hints (KEP-2433,
// KEP-3015); when none is ready, those that still serve while they terminate (KEP-1669).
ServiceEndpoints serviceEndpoints(const meta::ObjectPtr& service, const std::vector<meta::ObjectPtr>& endpointSlices,
                                  const Node& node);

// Where a load balancer asks whether this node has endpoints (externalTrafficPolicy Local).
struct HealthCheck {
  uint16_t port = 0;
  size_t localEndpoints = 0;  // ready ones
  bool operator==(const HealthCheck&) const = default;
};
// Nothing for a Service that has no such port. Endpoints are counted by their addresses of the Service's first family.
std::optional<HealthCheck> healthCheck(const meta::ObjectPtr& service,
                                       const std::vector<meta::ObjectPtr>& endpointSlices, const Node& node);

// "namespace/name" of the Service that an EndpointSlice belongs to; "" when it belongs to none, or is for another
// proxy.
std::string proxiedServiceOf(const meta::Object& endpointSlice);

}  // namespace wherry::proxy
