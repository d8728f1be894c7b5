// The Services that Ingresses name, found. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "ingress/routing.h"
#include "ingress/sources.h"
#include "views/networking_v1.h"

namespace wherry::ingress {

struct IngressTarget {
  std::optional<ServicePort> port;  // nothing: `reason` and `message` say why
  std::string reason;
  std::string message;
  // Of the Service port's appProtocol; nothing when it says nothing that concerns HTTP.
  std::optional<Protocol> protocol;
  bool preserveClientIp = false;           // as the Service asks
  std::set<base::IpFamily> families = {};  // of the Service
};

IngressTarget findTarget(std::string_view ns, const networking_v1::IngressBackend& backend, const Sources& sources);

// "kubernetes.io/h2c", "https", "grpc", ... (KEP-3726); nothing for one that isn't known.
std::optional<Protocol> protocolOf(std::string_view appProtocol);

}  // namespace wherry::ingress
