#include "ingress/port_claims.h"

#include <algorithm>

#include <fmt/format.h>

#include "ingress/port_origins.h"

namespace wherry::ingress {
namespace {

bool isOpen(const core_v1::LoadBalancerIngress& at, const core_v1::ServicePort& port) {
  for (const auto status : at.ports()) {
    bool isIt = status.port() == port.port() && (status.protocol().empty() || status.protocol() == "TCP");
    if (isIt && !status.error().empty()) return false;
  }
  return true;
}

}  // namespace

PortClaims portClaims(const std::vector<core_v1::Service>& services, const std::vector<std::string>& nodeAddresses) {
  PortClaims claims;
  for (const core_v1::Service& service : services) {
    if (service.spec().type() != "LoadBalancer") continue;
    for (const auto at : service.status().loadBalancer().ingress()) {
      if (std::find(nodeAddresses.begin(), nodeAddresses.end(), at.ip()) == nodeAddresses.end()) continue;
      for (const auto port : service.spec().ports()) {
        if ((!port.protocol().empty() && port.protocol() != "TCP") || !isOpen(at, port)) continue;
        claims.try_emplace(
            static_cast<uint16_t>(port.port()),
            fmt::format("what is sent to {} goes to Service {}, whose load balancer's address that is; give it one of "
                        "its own (--load-balancer-pool), or another port",
                        at.ip(), service.key().text()));
      }
    }
  }
  return claims;
}

std::vector<Complaint> complaintsOf(const PortClaims& claims, const Model& model) {
  std::vector<Complaint> complaints;
  for (const auto& [number, words] : claims) {
    auto port = model.ports.find(number);
    if (port == model.ports.end()) continue;
    for (const Origin& origin : originsOf(port->second)) {
      complaints.push_back({origin, "PortUnavailable", fmt::format("port {} of the node: {}", number, words)});
    }
  }
  return complaints;
}

}  // namespace wherry::ingress
