#include "ingress/ingress_backends.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/client_ip.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

IngressTarget missing(std::string reason, std::string message) {
  return {.reason = std::move(reason), .message = std::move(message)};
}

std::string portText(const networking_v1::ServiceBackendPort& wanted) {
  return wanted.name().empty() ? std::to_string(wanted.number()) : fmt::format("\"{}\"", wanted.name());
}

bool fits(const core_v1::ServicePort& port, const networking_v1::ServiceBackendPort& wanted) {
  if (!port.protocol().empty() && port.protocol() != "TCP") return false;
  return wanted.name().empty() ? port.port() == wanted.number() : port.name() == wanted.name();
}

}  // namespace

std::optional<Protocol> protocolOf(std::string_view appProtocol) {
  struct Known {
    std::string_view name;
    Protocol protocol;
  };
  constexpr std::array kKnown = {
      Known{"http", Protocol::kHttp},
      Known{"ws", Protocol::kHttp},
      Known{"kubernetes.io/ws", Protocol::kHttp},
      Known{"h2c", Protocol::kHttp2},
      Known{"kubernetes.io/h2c", Protocol::kHttp2},
      Known{"grpc", Protocol::kHttp2},
      Known{"https", Protocol::kHttps},
      Known{"wss", Protocol::kHttps},
      Known{"kubernetes.io/wss", Protocol::kHttps},
      Known{"grpcs", Protocol::kHttps2},
  };
  const std::string name = base::toLower(appProtocol);
  const auto at = std::find_if(kKnown.begin(), kKnown.end(), [&](const Known& one) { return one.name == name; });
  return at == kKnown.end() ? std::nullopt : std::optional(at->protocol);
}

IngressTarget findTarget(std::string_view ns, const networking_v1::IngressBackend& backend, const Sources& sources) {
  if (backend.hasResource()) {
    return missing("UnsupportedBackend", fmt::format("{} \"{}\": only Services can be backends",
                                                     backend.resource().kind(), backend.resource().name()));
  }
  const auto wanted = backend.service();
  const core_v1::Service service(sources.service(ns, wanted.name()));
  if (!service) return missing("ServiceNotFound", fmt::format("Service \"{}\" not found", wanted.name()));
  if (service.spec().type() == "ExternalName") {
    return missing(
        "UnsupportedBackend",
        fmt::format("Service \"{}\" is of type ExternalName, which has no endpoints to lead to", wanted.name()));
  }
  for (const auto port : service.spec().ports()) {
    if (!fits(port, wanted.port())) continue;
    return {.port = ServicePort{std::string(ns), std::string(wanted.name()), std::string(port.name())},
            .protocol = protocolOf(port.appProtocol()),
            .preserveClientIp = asksToPreserveClientIp(service),
            .families = familiesOf(service)};
  }
  return missing("ServicePortNotFound",
                 fmt::format("Service \"{}\" has no TCP port {}", wanted.name(), portText(wanted.port())));
}

}  // namespace wherry::ingress
