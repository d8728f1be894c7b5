#include "proxy/service_endpoints.h"

#include <algorithm>
#include <optional>

#include <netinet/in.h>

#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::proxy {
namespace {

constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";
constexpr std::string_view kProxyNameLabel = "service.kubernetes.io/service-proxy-name";

std::optional<uint8_t> protocolNumber(std::string_view protocol) {
  if (protocol == "TCP" || protocol.empty()) return IPPROTO_TCP;
  if (protocol == "UDP") return IPPROTO_UDP;
  if (protocol == "SCTP") return IPPROTO_SCTP;
  return std::nullopt;
}

std::optional<uint16_t> portNumber(int64_t port) {
  if (port < 1 || port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

std::vector<linux::Ipv4Address> clusterIps(const core_v1::ServiceSpec& spec) {
  std::vector<linux::Ipv4Address> ips;
  if (spec.type() == "ExternalName") return ips;
  auto add = [&](std::string_view text) {
    auto ip = linux::Ipv4Address::parse(text);  // "None" and IPv6 addresses are none
    if (ip) ips.push_back(*ip);
  };
  for (std::string_view ip : spec.clusterIPs()) add(ip);
  if (spec.clusterIPs().empty()) add(spec.clusterIP());
  return ips;
}

// The port of an EndpointSlice that stands for this port of the Service.
std::optional<uint16_t> targetPort(const discovery_v1::EndpointSlice& slice, const core_v1::ServicePort& port) {
  for (auto candidate : slice.ports()) {
    bool same =
        candidate.name() == port.name() && protocolNumber(candidate.protocol()) == protocolNumber(port.protocol());
    if (same) return portNumber(candidate.port());
  }
  return std::nullopt;
}

enum class Condition { kReady, kServingWhileTerminating, kUnusable };

Condition conditionOf(const discovery_v1::Endpoint& endpoint) {
  auto conditions = endpoint.conditions();
  bool ready = conditions.readyOr(true);
  if (ready) return Condition::kReady;
  bool usable = conditions.servingOr(ready) && conditions.terminatingOr(false);
  return usable ? Condition::kServingWhileTerminating : Condition::kUnusable;
}

struct Candidates {
  std::vector<Endpoint> ready;
  std::vector<Endpoint> terminating;

  void add(const discovery_v1::Endpoint& endpoint, uint16_t port) {
    if (endpoint.addresses().empty()) return;
    auto ip = linux::Ipv4Address::parse(endpoint.addresses()[0]);
    Condition condition = conditionOf(endpoint);
    if (!ip || condition == Condition::kUnusable) return;
    (condition == Condition::kReady ? ready : terminating).push_back({*ip, port});
  }

  std::vector<Endpoint> chosen() && {
    std::vector<Endpoint> endpoints = std::move(ready.empty() ? terminating : ready);  // KEP-1669
    std::sort(endpoints.begin(), endpoints.end());
    endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
    return endpoints;
  }
};

std::vector<Endpoint> endpointsOf(const core_v1::ServiceSpec& spec, const core_v1::ServicePort& port,
                                  const std::vector<meta::ObjectPtr>& endpointSlices, const Node& node) {
  bool onlyOwnNode = spec.internalTrafficPolicy() == "Local";
  Candidates candidates;
  for (const meta::ObjectPtr& object : endpointSlices) {
    discovery_v1::EndpointSlice slice(object);
    auto number = targetPort(slice, port);
    if (slice.addressType() != "IPv4" || !number) continue;
    for (auto endpoint : slice.endpoints()) {
      if (onlyOwnNode && endpoint.nodeName() != node.name) continue;
      candidates.add(endpoint, *number);
    }
  }
  return std::move(candidates).chosen();
}

}  // namespace

ServiceEndpoints serviceEndpoints(const meta::ObjectPtr& service, const std::vector<meta::ObjectPtr>& endpointSlices,
                                  const Node& node) {
  ServiceEndpoints result;
  core_v1::Service view(service);
  if (!service->metadata().label(kProxyNameLabel).empty()) return result;
  for (linux::Ipv4Address ip : clusterIps(view.spec())) {
    if (node.addresses.contains(ip)) continue;
    for (auto port : view.spec().ports()) {
      auto protocol = protocolNumber(port.protocol());
      auto number = portNumber(port.port());
      if (!protocol || !number) continue;
      result[{ip, *protocol, *number}] = endpointsOf(view.spec(), port, endpointSlices, node);
    }
  }
  return result;
}

std::string serviceKeyOf(const meta::Object& endpointSlice) {
  auto metadata = endpointSlice.metadata();
  std::string_view service = metadata.label(kServiceNameLabel);
  if (service.empty() || !metadata.label(kProxyNameLabel).empty()) return {};
  return meta::ObjectKey{std::string(metadata.ns()), std::string(service)}.text();
}

}  // namespace wherry::proxy
