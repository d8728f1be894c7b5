// What the status of the Gateway API's objects says, in the standard's words. What others wrote there stays. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingress/gateway_listeners.h"
#include "ingress/gateway_rules.h"
#include "views/gateway_v1.h"

namespace wherry::ingress {

json::Object classStatus(const gateway_v1::GatewayClass& gatewayClass, std::string_view now);

// Whether the Gateway as a whole can be served; nothing when it can (Accepted).
std::optional<Finding> gatewayRefusal(const gateway_v1::Gateway& gateway);

json::Object gatewayStatus(const gateway_v1::Gateway& gateway, const std::vector<GatewayListener>& listeners,
                           const GatewayPlace& place, std::string_view now);

// What one parent of ours says of a route.
struct ParentVerdict {
  gateway_v1::ParentReference reference;
  std::optional<Finding> refused;     // Accepted: False
  std::optional<Finding> unresolved;  // ResolvedRefs: False
  std::string dropped;                // PartiallyInvalid: True, with this message; "" when no rule was dropped
};

// What a Gateway of ours says of a policy for something that it leads to.
struct AncestorVerdict {
  meta::ObjectKey gateway;
  std::optional<Finding> refused;     // Accepted: False
  std::optional<Finding> unresolved;  // ResolvedRefs: False
};

json::Object policyStatus(const gateway_v1::BackendTLSPolicy& policy, const std::vector<AncestorVerdict>& verdicts,
                          std::string_view now);

json::Object routeStatus(const RouteView& route, const std::vector<ParentVerdict>& verdicts, std::string_view now);

}  // namespace wherry::ingress
