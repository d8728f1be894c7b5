#include "ingress/client_ip.h"

#include <set>

namespace wherry::ingress {
namespace {

template <typename AnyModel, typename F>
void forEachBackend(AnyModel& model, F f) {
  for (auto& [number, port] : model.ports) {
    for (auto& route : port.routes) f(route.origin, route.to);
    for (auto& each : port.passthroughs) f(each.origin, each.to);
  }
}

}  // namespace

std::set<base::IpFamily> familiesOf(const core_v1::Service& service) {
  std::set<base::IpFamily> families;
  for (std::string_view family : service.spec().ipFamilies()) {
    families.insert(family == "IPv6" ? base::IpFamily::kIPv6 : base::IpFamily::kIPv4);
  }
  return families;
}

bool asksToPreserveClientIp(const core_v1::Service& service) {
  return service.metadata().annotation("wherry.dev/preserve-client-ip") == "true";
}

bool preservesClientIp(const Model& model) {
  bool does = false;
  forEachBackend(model, [&](const Origin&, const Backend& to) { does = does || !to.preserveClientIp.empty(); });
  return does;
}

std::vector<Complaint> stopPreservingClientIp(Model& model, const std::string& why) {
  std::set<Origin> origins;
  forEachBackend(model, [&](const Origin& origin, Backend& to) {
    if (!to.preserveClientIp.empty()) origins.insert(origin);
    to.preserveClientIp.clear();
  });
  std::vector<Complaint> complaints;
  for (const Origin& origin : origins) {
    complaints.push_back({origin, "ClientIpNotPreserved", "clients come under the node's address: " + why});
  }
  return complaints;
}

}  // namespace wherry::ingress
