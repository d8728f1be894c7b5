#include "proxy/service_endpoints.h"

#include <algorithm>
#include <optional>

#include <netinet/in.h>

#include "base/strings.h"
#include "meta/endpoint_slices.h"
#include "views/core_v1.h"
#include "views/discovery_v1.h"

namespace wherry::proxy {
namespace {

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

// Those of the family; without "None".
template <typename List>
std::vector<base::IpAddress> addressesIn(const List& texts, base::IpFamily family) {
  std::vector<base::IpAddress> ips;
  for (std::string_view text : texts) {
    auto ip = base::IpAddress::parse(text);
    if (ip && ip->family() == family) ips.push_back(*ip);
  }
  return ips;
}

std::vector<base::IpAddress> clusterIps(const core_v1::ServiceSpec& spec, base::IpFamily family) {
  if (spec.type() == "ExternalName") return {};
  if (!spec.clusterIPs().empty()) return addressesIn(spec.clusterIPs(), family);
  return addressesIn(std::vector<std::string_view>{spec.clusterIP()}, family);
}

// Whether the load balancer could not have this port at this address.
bool isDenied(const core_v1::LoadBalancerIngress& ingress, const core_v1::ServicePort& port) {
  for (auto status : ingress.ports()) {
    bool same = status.port() == port.port() && protocolNumber(status.protocol()) == protocolNumber(port.protocol());
    if (same) return !status.error().empty();
  }
  return false;
}

std::vector<base::IpAddress> loadBalancerIps(const core_v1::Service& service, const core_v1::ServicePort& port,
                                             base::IpFamily family) {
  std::vector<std::string_view> ips;
  if (service.spec().type() != "LoadBalancer") return {};
  for (auto ingress : service.status().loadBalancer().ingress()) {
    bool seesAllItself = ingress.ipMode() == "Proxy";
    if (!seesAllItself && !isDenied(ingress, port)) ips.push_back(ingress.ip());
  }
  return addressesIn(ips, family);
}

// Sorted, none within another; none when everybody may come. As upstream, ranges of the other family count for nothing
// in this one.
std::vector<base::IpPrefix> sourceRanges(const core_v1::ServiceSpec& spec, base::IpFamily family) {
  std::vector<base::IpPrefix> ranges;
  for (std::string_view text : spec.loadBalancerSourceRanges()) {
    auto prefix = base::IpPrefix::parse(base::trim(text));
    if (prefix && prefix->family() == family) ranges.push_back(*prefix);
  }
  std::sort(ranges.begin(), ranges.end());  // the wider before those within it
  std::vector<base::IpPrefix> apart;
  for (const base::IpPrefix& range : ranges) {
    if (range.length() == 0) return {};
    if (apart.empty() || !apart.back().contains(range.address())) apart.push_back(range);
  }
  return apart;
}

std::chrono::duration<uint32_t> affinityOf(const core_v1::ServiceSpec& spec) {
  constexpr int64_t kDefaultSeconds = 10800;
  if (spec.sessionAffinity() != "ClientIP") return {};
  int64_t seconds = spec.sessionAffinityConfig().clientIP().timeoutSecondsOr(kDefaultSeconds);
  return decltype(affinityOf(spec))(static_cast<uint32_t>(std::clamp(seconds, int64_t{1}, int64_t{86400})));
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

template <typename Hints>
bool areFor(const Hints& hints, std::string_view name) {
  for (auto hint : hints) {
    if (hint.name() == name) return true;
  }
  return false;
}

// Ready endpoints that are hinted for a place; they count only while all ready ones have such a hint.
struct Hinted {
  std::vector<Endpoint> here;
  bool allHaveHints = true;

  template <typename Hints>
  void add(const Hints& hints, std::string_view place, const Endpoint& endpoint) {
    if (hints.empty()) allHaveHints = false;
    if (!place.empty() && areFor(hints, place)) here.push_back(endpoint);
  }
  bool usable() const { return allHaveHints && !here.empty(); }
};

struct Candidates {
  std::vector<Endpoint> ready;
  std::vector<Endpoint> terminating;
  Hinted forNode = {};
  Hinted forZone = {};

  void add(const discovery_v1::Endpoint& endpoint, uint16_t port, bool isOnNode, const Node& node) {
    if (endpoint.addresses().empty()) return;
    auto ip = base::IpAddress::parse(endpoint.addresses()[0]);
    Condition condition = conditionOf(endpoint);
    if (!ip || condition == Condition::kUnusable) return;
    bool here = isOnNode || node.addresses.contains(*ip);
    Place place = here ? Place::kHere : Place::kElsewhere;
    (condition == Condition::kReady ? ready : terminating).push_back({*ip, port, place});
    if (condition != Condition::kReady) return;
    forNode.add(endpoint.hints().forNodes(), node.name, ready.back());
    forZone.add(endpoint.hints().forZones(), node.zone, ready.back());
  }

  std::vector<Endpoint> near() && {
    if (forNode.usable())
      ready = std::move(forNode.here);
    else if (forZone.usable())
      ready = std::move(forZone.here);
    return std::move(*this).chosen();
  }

  std::vector<Endpoint> chosen() && {
    std::vector<Endpoint> endpoints = std::move(ready.empty() ? terminating : ready);  // KEP-1669
    std::sort(endpoints.begin(), endpoints.end());
    endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
    return endpoints;
  }
};

struct PortEndpoints {
  std::vector<Endpoint> all;
  std::vector<Endpoint> onNode;
};

PortEndpoints endpointsOf(const core_v1::ServicePort& port, const std::vector<meta::ObjectPtr>& endpointSlices,
                          const Node& node) {
  Candidates all, onNode;
  for (const meta::ObjectPtr& object : endpointSlices) {
    discovery_v1::EndpointSlice slice(object);
    auto number = targetPort(slice, port);
    if (slice.addressType() != base::familyName(node.family) || !number) continue;
    for (auto endpoint : slice.endpoints()) {
      bool isOnNode = endpoint.nodeName() == node.name;
      all.add(endpoint, *number, isOnNode, node);
      if (isOnNode) onNode.add(endpoint, *number, isOnNode, node);
    }
  }
  return {std::move(all).near(), std::move(onNode).chosen()};
}

// One port of a Service under all the addresses that it has.
class PortFronts {
 public:
  PortFronts(const core_v1::Service& service, const PortEndpoints& endpoints, ServiceEndpoints& result)
      : spec_(service.spec()), endpoints_(endpoints), affinity_(affinityOf(service.spec())), result_(result) {}

  void addClusterIp(const ServicePort& port) {
    bool local = spec_.internalTrafficPolicy() == "Local";
    result_[port] = local ? onNode() : everywhere();
  }

  // The node and its pods reach all endpoints in any case: they are not from outside.
  void addExternal(const ServicePort& port, const std::vector<base::IpPrefix>& sources) {
    Backends backends = everywhere();
    backends.sources = sources;
    result_[port] = std::move(backends);
    bool local = spec_.externalTrafficPolicy() == "Local" && endpoints_.onNode != endpoints_.all;
    if (local) result_[{port.ip, port.protocol, port.port, Clients::kOutside}] = onNode();
  }

 private:
  Backends everywhere() const { return make(endpoints_.all); }
  Backends onNode() const {
    Backends backends = make(endpoints_.onNode);
    if (!endpoints_.all.empty()) backends.nobody = Backends::Nobody::kAnswers;
    return backends;
  }
  Backends make(const std::vector<Endpoint>& endpoints) const {
    Backends backends(endpoints);
    backends.affinity = affinity_;
    return backends;
  }

  core_v1::ServiceSpec spec_;
  const PortEndpoints& endpoints_;
  std::chrono::duration<uint32_t> affinity_;
  ServiceEndpoints& result_;
};

}  // namespace

ServiceEndpoints serviceEndpoints(const meta::ObjectPtr& object, const std::vector<meta::ObjectPtr>& endpointSlices,
                                  const Node& node) {
  ServiceEndpoints result;
  core_v1::Service service(object);
  auto spec = service.spec();
  auto ips = clusterIps(spec, node.family);
  if (ips.empty() || !object->metadata().label(kProxyNameLabel).empty()) return result;
  auto sources = sourceRanges(spec, node.family);
  for (auto port : spec.ports()) {
    auto protocol = protocolNumber(port.protocol());
    auto number = portNumber(port.port());
    if (!protocol || !number) continue;
    PortEndpoints endpoints = endpointsOf(port, endpointSlices, node);
    PortFronts fronts(service, endpoints, result);
    for (const base::IpAddress& ip : addressesIn(spec.externalIPs(), node.family)) {
      fronts.addExternal({ip, *protocol, *number}, {});
    }
    for (const base::IpAddress& ip : loadBalancerIps(service, port, node.family)) {
      fronts.addExternal({ip, *protocol, *number}, sources);
    }
    if (auto nodePort = portNumber(port.nodePort())) {
      fronts.addExternal({base::IpAddress::unspecified(node.family), *protocol, *nodePort}, {});
    }
    for (const base::IpAddress& ip : ips) {
      if (!node.addresses.contains(ip)) fronts.addClusterIp({ip, *protocol, *number});
    }
  }
  return result;
}

std::optional<HealthCheck> healthCheck(const meta::ObjectPtr& serviceObject,
                                       const std::vector<meta::ObjectPtr>& endpointSlices, const Node& node) {
  core_v1::Service service(serviceObject);
  auto port = portNumber(service.spec().healthCheckNodePort());
  bool isAsked = service.spec().type() == "LoadBalancer" && service.spec().externalTrafficPolicy() == "Local";
  if (!port || !isAsked || !serviceObject->metadata().label(kProxyNameLabel).empty()) return std::nullopt;
  std::set<std::string_view> ready;
  auto families = service.spec().ipFamilies();
  std::string_view first = families.empty() ? "IPv4" : families[0];
  for (const meta::ObjectPtr& object : endpointSlices) {
    discovery_v1::EndpointSlice slice(object);
    if (slice.addressType() != first) continue;
    for (auto endpoint : slice.endpoints()) {
      bool counts = endpoint.nodeName() == node.name && conditionOf(endpoint) == Condition::kReady;
      if (counts && !endpoint.addresses().empty()) ready.insert(endpoint.addresses()[0]);
    }
  }
  return HealthCheck{*port, ready.size()};
}

std::string proxiedServiceOf(const meta::Object& endpointSlice) {
  return endpointSlice.metadata().label(kProxyNameLabel).empty() ? meta::serviceKeyOf(endpointSlice) : "";
}

}  // namespace wherry::proxy
