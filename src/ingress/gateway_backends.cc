#include "ingress/gateway_backends.h"

#include <fmt/format.h>

#include "ingress/client_ip.h"
#include "ingress/gateway_names.h"
#include "ingress/ingress_backends.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

// Nothing for what can't be spoken: how to know a backend with TLS is nowhere said.
std::optional<Protocol> protocolFor(std::string_view appProtocol, std::string_view routeKind) {
  if (routeKind == kTlsRoute) return Protocol::kTcp;
  const auto said = protocolOf(appProtocol);
  if (said == Protocol::kHttps || said == Protocol::kHttps2) return std::nullopt;
  return said == Protocol::kHttp2 || routeKind == kGrpcRoute ? Protocol::kHttp2 : Protocol::kHttp;
}

std::variant<BackendTarget, Finding> findPort(const core_v1::Service& service, int64_t number,
                                              const ReferringRoute& route) {
  const std::string name = service.key().text();
  for (const auto port : service.spec().ports()) {
    if (port.port() != number || (port.hasProtocol() && port.protocol() != "TCP")) continue;
    const auto protocol = protocolFor(port.appProtocol(), route.kind);
    if (protocol) {
      return BackendTarget{{service.key().ns, service.key().name, std::string(port.name())},
                           *protocol,
                           asksToPreserveClientIp(service) ? familiesOf(service) : std::set<base::IpFamily>()};
    }
    return Finding{"UnsupportedProtocol", fmt::format("Service \"{}\": a {} can't send to appProtocol {}", name,
                                                      route.kind, port.appProtocol())};
  }
  return Finding{"BackendNotFound", fmt::format("Service \"{}\" has no TCP port {}", name, number)};
}

}  // namespace

std::variant<BackendTarget, Finding> findBackend(const schema::View& reference, const ReferringRoute& route) {
  const gateway_v1::BackendObjectReference to(&reference.tree());
  if (!to.group().empty() || to.kind() != "Service") {
    return Finding{"InvalidKind", fmt::format("{} \"{}\": only Services can be backends", to.kind(), to.name())};
  }
  const std::string_view ns = to.namespace_().empty() ? route.nameSpace : to.namespace_();
  if (!route.grants.permit({route.kind, route.nameSpace, "Service", ns, to.name()})) {
    return Finding{
        "RefNotPermitted",
        fmt::format("no ReferenceGrant in namespace {} allows the reference to Service \"{}\"", ns, to.name())};
  }
  const core_v1::Service service(route.sources.service(ns, to.name()));
  if (!service) return Finding{"BackendNotFound", fmt::format("Service \"{}/{}\" not found", ns, to.name())};
  if (service.spec().type() == "ExternalName") {
    return Finding{"BackendNotFound",
                   fmt::format("Service \"{}/{}\" is of type ExternalName, which has no endpoints", ns, to.name())};
  }
  return findPort(service, to.port(), route);
}

}  // namespace wherry::ingress
