// The backends that routes of the Gateway API name: Services of their own namespace, or of others that allow it. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "ingress/gateway_grants.h"
#include "ingress/gateway_listeners.h"
#include "ingress/gateway_tls_policies.h"
#include "ingress/routing.h"
#include "ingress/sources.h"

namespace wherry::ingress {

// The route that refers, and what is looked up for it.
struct ReferringRoute {
  std::string_view kind;
  std::string_view nameSpace;
  const ReferenceGrants& grants;
  const TlsPolicies& policies;
  const Sources& sources;
  std::set<meta::ObjectKey>& services;  // each that it may refer to is noted here, there or not
};

struct BackendTarget {
  ServicePort port;
  Protocol protocol;
  std::set<base::IpFamily> preserveClientIp;  // as Backend has it; none unless the Service asks for it
  std::optional<BackendTls> tls = std::nullopt;
  bool isRefused = false;  // by its policy for TLS, which says why: nothing is sent to it
};

// `reference`: a BackendRef or BackendObjectReference. A Finding says why nothing can be sent there (ResolvedRefs).
std::variant<BackendTarget, Finding> findBackend(const schema::View& reference, const ReferringRoute& route);

}  // namespace wherry::ingress
