// The Gateway API compiled to the routing model, and everything that its objects' status says about it. Pure: the same
// objects give the same routes, and a status that says the same stays as it is.
//
// What the standard leaves open: Gateways share the node's addresses, so that those which agree in a port, protocol and
// hostname share that too; a port that they don't agree about is the oldest one's. docs/gateway.md says the rest.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "ingress/gateway_listeners.h"
#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

struct GatewayObjects {
  std::vector<gateway_v1::GatewayClass> classes;
  std::vector<gateway_v1::Gateway> gateways;
  std::vector<gateway_v1::HTTPRoute> httpRoutes;
  std::vector<gateway_v1::GRPCRoute> grpcRoutes;
  std::vector<gateway_v1::TLSRoute> tlsRoutes;
  std::vector<gateway_v1::ReferenceGrant> grants;
  std::vector<gateway_v1::BackendTLSPolicy> tlsPolicies;
};

// A status that is not the one that the object has.
struct StatusChange {
  meta::Resource resource;
  meta::ObjectPtr object;
  json::Object status;
};

struct GatewayContribution {
  Model model;
  std::vector<StatusChange> statuses;
  std::set<meta::ObjectKey> secrets;  // that were looked for, found or not: what they hold matters
};

// `now`: RFC 3339, for conditions that change. Without a Gateway of ours the model is empty.
GatewayContribution compileGateways(const GatewayObjects& objects, const Sources& sources, const GatewayPlace& place,
                                    std::string_view now);

}  // namespace wherry::ingress
