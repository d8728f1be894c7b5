#include "ingress/slice_endpoints.h"

#include <algorithm>

#include "views/discovery_v1.h"

namespace wherry::ingress {
namespace {

uint16_t portOf(const discovery_v1::EndpointSlice& slice, const std::string& name) {
  for (auto port : slice.ports()) {
    bool isTcp = port.protocol().empty() || port.protocol() == "TCP";
    bool isNumber = port.port() > 0 && port.port() <= 65535;
    if (port.name() == name && isTcp && isNumber) return static_cast<uint16_t>(port.port());
  }
  return 0;
}

std::string hostnameOf(const discovery_v1::Endpoint& endpoint) {
  if (!endpoint.hostname().empty()) return std::string(endpoint.hostname());
  return endpoint.targetRef().kind() == "Pod" ? std::string(endpoint.targetRef().name()) : "";
}

std::string_view firstType(const std::vector<meta::ObjectPtr>& endpointSlices) {
  bool hasV4 = std::any_of(endpointSlices.begin(), endpointSlices.end(), [](const meta::ObjectPtr& slice) {
    return discovery_v1::EndpointSlice(slice).addressType() == "IPv4";
  });
  return hasV4 ? "IPv4" : "IPv6";
}

struct Candidates {
  std::vector<Endpoint> ready;
  std::vector<Endpoint> terminating;

  void add(const discovery_v1::Endpoint& endpoint, uint16_t port) {
    if (endpoint.addresses().empty()) return;
    auto conditions = endpoint.conditions();
    bool isReady = conditions.readyOr(true);
    bool isLeaving = conditions.servingOr(isReady) && conditions.terminatingOr(false);
    if (!isReady && !isLeaving) return;
    (isReady ? ready : terminating).push_back({std::string(endpoint.addresses()[0]), port, hostnameOf(endpoint)});
  }
};

}  // namespace

std::vector<Endpoint> endpointsOf(const ServicePort& port, const std::vector<meta::ObjectPtr>& endpointSlices,
                                  std::optional<base::IpFamily> family) {
  std::string_view addressType = family == base::IpFamily::kIPv6 ? "IPv6" : family ? "IPv4" : firstType(endpointSlices);
  Candidates candidates;
  for (const meta::ObjectPtr& object : endpointSlices) {
    discovery_v1::EndpointSlice slice(object);
    uint16_t number = portOf(slice, port.port);
    if (number == 0 || slice.addressType() != addressType) continue;
    for (auto endpoint : slice.endpoints()) candidates.add(endpoint, number);
  }
  auto& chosen = candidates.ready.empty() ? candidates.terminating : candidates.ready;
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

}  // namespace wherry::ingress
