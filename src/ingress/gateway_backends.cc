#include "ingress/gateway_backends.h"

#include <fmt/format.h>

#include "ingress/client_ip.h"
#include "ingress/gateway_names.h"
#include "ingress/ingress_backends.h"
#include "views/core_v1.h"

namespace wherry::ingress {
namespace {

// Nothing for what can't be spoken: by what to know a backend with TLS only a policy says.
std::optional<Protocol> protocolFor(std::string_view appProtocol, std::string_view routeKind, bool hasPolicy) {
  if (routeKind == kTlsRoute) return Protocol::kTcp;
  const auto said = protocolOf(appProtocol);
  const bool saysTls = said == Protocol::kHttps || said == Protocol::kHttps2;
  if (saysTls && !hasPolicy) return std::nullopt;
  const bool isHttp2 = said == Protocol::kHttp2 || said == Protocol::kHttps2 || routeKind == kGrpcRoute;
  if (hasPolicy) return isHttp2 ? Protocol::kHttps2 : Protocol::kHttps;
  return isHttp2 ? Protocol::kHttp2 : Protocol::kHttp;
}

std::variant<BackendTarget, Finding> findPort(const core_v1::Service& service, int64_t number,
                                              const ReferringRoute& route) {
  const std::string name = service.key().text();
  for (const auto port : service.spec().ports()) {
    if (port.port() != number || (port.hasProtocol() && port.protocol() != "TCP")) continue;
    ServicePort target{service.key().ns, service.key().name, std::string(port.name())};
    const TlsPolicy* policy = route.policies.find(target);
    const auto protocol = protocolFor(port.appProtocol(), route.kind, policy != nullptr);
    if (!protocol) {
      return Finding{"UnsupportedProtocol", fmt::format("Service \"{}\": a {} can't send to appProtocol {}", name,
                                                        route.kind, port.appProtocol())};
    }
    return BackendTarget{std::move(target), *protocol,
                         asksToPreserveClientIp(service) ? familiesOf(service) : std::set<base::IpFamily>(),
                         policy ? std::optional(policy->tls) : std::nullopt, policy && policy->refused};
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
  route.services.insert({std::string(ns), std::string(to.name())});
  const core_v1::Service service(route.sources.service(ns, to.name()));
  if (!service) return Finding{"BackendNotFound", fmt::format("Service \"{}/{}\" not found", ns, to.name())};
  if (service.spec().type() == "ExternalName") {
    return Finding{"BackendNotFound",
                   fmt::format("Service \"{}/{}\" is of type ExternalName, which has no endpoints", ns, to.name())};
  }
  return findPort(service, to.port(), route);
}

}  // namespace wherry::ingress
