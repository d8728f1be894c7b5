#include "ingress/gateway_listeners.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/strings.h"
#include "ingress/gateway_certificates.h"
#include "ingress/gateway_hosts.h"
#include "ingress/gateway_names.h"

namespace wherry::ingress {
namespace {

using Protocol = GatewayListener::Protocol;

Protocol protocolOf(const gateway_v1::Listener& listener) {
  const std::string name = base::toLower(listener.protocol());
  if (name == "http") return Protocol::kHttp;
  if (name == "https") return Protocol::kHttps;
  return name == "tls" ? Protocol::kTls : Protocol::kOther;
}

std::vector<std::string> kindsFor(Protocol protocol) {
  if (protocol == Protocol::kOther) return {};
  if (protocol == Protocol::kTls) return {std::string(kTlsRoute)};
  return {std::string(kHttpRoute), std::string(kGrpcRoute)};
}

// What is asked for and can be served; what can't is said.
void narrowKinds(GatewayListener& listener) {
  const auto wanted = listener.spec.allowedRoutes().kinds();
  if (wanted.empty()) return;
  std::vector<std::string> known = std::move(listener.kinds), kept;
  for (const auto each : wanted) {
    const bool ours = each.group() == kGatewayGroup && std::ranges::find(known, each.kind()) != known.end();
    if (ours) {
      if (std::ranges::find(kept, each.kind()) == kept.end()) kept.emplace_back(each.kind());
    } else {
      listener.unresolved = {"InvalidRouteKinds", fmt::format("{} can't be attached to a listener of protocol {}",
                                                              each.kind(), listener.spec.protocol())};
    }
  }
  listener.kinds = std::move(kept);
}

// A field that asks for what isn't done here, if there is one.
std::optional<std::string> unsupportedField(const GatewayListener& listener) {
  const auto tls = listener.spec.tls();
  if (!tls.options().empty()) return "tls.options: no option is known";
  if (listener.protocol == Protocol::kHttps && listener.gateway.spec().tls().hasFrontend()) {
    return "spec.tls.frontend: certificates of clients can't be asked for";
  }
  return std::nullopt;
}

std::optional<Finding> refusalOf(const GatewayListener& listener, const GatewayPlace& place) {
  if (listener.protocol == Protocol::kOther) {
    return Finding{"UnsupportedProtocol",
                   fmt::format("protocol {} isn't served, only HTTP, HTTPS and TLS are", listener.spec.protocol())};
  }
  if (auto why = unsupportedField(listener)) return Finding{"UnsupportedValue", std::move(*why)};
  if (const auto at = place.unavailable.find(listener.port); at != place.unavailable.end()) {
    return Finding{"PortUnavailable", fmt::format("port {}: {}", listener.port, at->second)};
  }
  if (const auto at = place.taken.find(listener.port); at != place.taken.end() && at->second != listener.hasTls()) {
    return Finding{"PortUnavailable", fmt::format("port {} is served {} TLS for Ingresses", listener.port,
                                                  at->second ? "with" : "without")};
  }
  return std::nullopt;
}

GatewayListener readListener(const gateway_v1::Gateway& gateway, const gateway_v1::Listener& spec,
                             const ListenerInput& input) {
  GatewayListener listener{.gateway = gateway, .spec = spec};
  listener.protocol = protocolOf(spec);
  listener.hostname = base::toLower(spec.hostname());
  listener.port = static_cast<uint16_t>(spec.port());
  listener.kinds = kindsFor(listener.protocol);
  narrowKinds(listener);
  listener.refused = refusalOf(listener, input.place);
  if (listener.endsTls() && !listener.refused) loadCertificates(listener, input);
  return listener;
}

bool sameGateway(const GatewayListener& a, const GatewayListener& b) {
  return a.gateway.object() == b.gateway.object();
}

// Two listeners on one port between which a connection can't choose.
std::optional<std::string_view> clash(const GatewayListener& a, const GatewayListener& b) {
  if (a.hasTls() != b.hasTls()) return "ProtocolConflict";
  if (a.hostname != b.hostname) return std::nullopt;
  if (a.protocol != b.protocol) return "ProtocolConflict";
  if (sameGateway(a, b)) return "HostnameConflict";
  return a.endsTls() == b.endsTls() ? std::nullopt : std::optional<std::string_view>("ProtocolConflict");
}

void setConflict(GatewayListener& listener, std::string_view reason, const GatewayListener& other) {
  if (listener.conflict) return;
  listener.conflict = {std::string(reason),
                       fmt::format("listener {} has port {} too, with {}", other.name(), listener.port,
                                   reason == "HostnameConflict" ? "the same hostname" : "another protocol")};
}

void refuseYounger(GatewayListener& younger, const GatewayListener& older) {
  younger.refused = {"PortUnavailable",
                     fmt::format("port {} is served as {} for Gateway {}/{}", younger.port, older.spec.protocol(),
                                 older.gateway.metadata().ns(), older.gateway.metadata().name())};
}

// TLS of both is ended here, and a client's connection for one may bring requests for the other.
void noteOverlap(GatewayListener& a, GatewayListener& b) {
  if (a.protocol != Protocol::kHttps || b.protocol != Protocol::kHttps || !sameGateway(a, b)) return;
  if (!commonHost(a.hostname, b.hostname)) return;
  a.overlap = fmt::format("the hostname overlaps with that of listener {}", b.name());
  b.overlap = fmt::format("the hostname overlaps with that of listener {}", a.name());
}

}  // namespace

bool GatewayListener::serves() const { return !refused && !conflict && (!endsTls() || !certificates.empty()); }

std::vector<GatewayListener> readListeners(const gateway_v1::Gateway& gateway, const ListenerInput& input) {
  std::vector<GatewayListener> listeners;
  for (const auto spec : gateway.spec().listeners()) listeners.push_back(readListener(gateway, spec, input));
  return listeners;
}

void findConflicts(const std::vector<GatewayListener*>& listeners) {
  for (size_t i = 0; i < listeners.size(); ++i) {
    GatewayListener& older = *listeners[i];
    for (size_t k = i + 1; k < listeners.size(); ++k) {
      GatewayListener& younger = *listeners[k];
      if (older.port != younger.port || older.refused || younger.refused) continue;
      const auto reason = clash(older, younger);
      if (reason && sameGateway(older, younger)) {
        setConflict(older, *reason, younger);
        setConflict(younger, *reason, older);
      } else if (reason && !older.conflict) {
        refuseYounger(younger, older);
      } else {
        noteOverlap(older, younger);
      }
    }
  }
}

}  // namespace wherry::ingress
