// The backends that routes of the Gateway API name: Services of their own namespace, or of others that allow it. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "ingress/gateway_grants.h"
#include "ingress/gateway_listeners.h"
#include "ingress/routing.h"
#include "ingress/sources.h"

namespace wherry::ingress {

// The route that refers, and what is looked up for it.
struct ReferringRoute {
  std::string_view kind;
  std::string_view nameSpace;
  const ReferenceGrants& grants;
  const Sources& sources;
};

struct BackendTarget {
  ServicePort port;
  Protocol protocol;
  std::set<base::IpFamily> preserveClientIp;  // as Backend has it; none unless the Service asks for it
};

// `reference`: a BackendRef or BackendObjectReference. A Finding says why nothing can be sent there (ResolvedRefs).
std::variant<BackendTarget, Finding> findBackend(const schema::View& reference, const ReferringRoute& route);

}  // namespace wherry::ingress
