#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "base/ip.h"
#include "controllers/load_balancer.h"
#include "controllers/service_pods.h"

namespace wherry::controllers {

namespace {

using core_v1::Node;
using core_v1::Service;

constexpr std::string_view kExcluded = "node.kubernetes.io/exclude-from-external-load-balancers";
constexpr std::string_view kPortInUse = "wherry.dev/PortInUse";

bool isBalanced(const Service& service) {
  const auto spec = service.spec();
  const bool ours = !spec.hasLoadBalancerClass() || spec.loadBalancerClass() == kLoadBalancerClass;
  return spec.type() == "LoadBalancer" && ours && !service.metadata().deleting();
}

// What another balancer wrote is left alone; what is left of a Service that is none any more is not.
bool isLeftover(const Service& service) {
  return service.spec().type() != "LoadBalancer" && !service.status().loadBalancer().ingress().empty();
}

bool isOlder(const Service& a, const Service& b) {
  const auto order = [](const Service& service) {
    const auto metadata = service.metadata();
    return std::tuple(metadata.creationTimestamp(), metadata.ns(), metadata.name());
  };
  return order(a) < order(b);
}

size_t lengthOf(Family family) { return family == Family::kIpv4 ? 4 : 16; }

bool isOf(Family family, std::string_view address) {
  const auto bytes = base::parseIp(address);
  return bytes && bytes->size() == lengthOf(family);
}

std::vector<std::string> addressesOf(const Node& node, Family family) {
  std::vector<std::string> internal, external;
  for (const auto address : node.status().addresses()) {
    if (!isOf(family, address.address())) continue;
    if (address.type() == "InternalIP") internal.emplace_back(address.address());
    if (address.type() == "ExternalIP") external.emplace_back(address.address());
  }
  return external.empty() ? internal : external;
}

// One pass over all Services, in their order.
class Balancer {
 public:
  Balancer(const std::vector<Node>& nodes, const AddressRanges& pool, const PortHolder& holderOf)
      : nodes_(nodes), pool_(pool), holderOf_(holderOf) {
    // A pool may have been given generously.
    for (const auto& node : nodes) {
      for (const auto address : node.status().addresses()) given_.emplace(std::string(address.address()), "");
    }
  }

  // Node ports are on the same addresses as the ports that are opened there.
  void keepNodePorts(const Service& service) {
    for (const auto port : service.spec().ports()) {
      if (port.nodePort() != 0) ports_[{std::string(protocolOf(port)), port.nodePort()}] = service.key().text();
    }
  }

  // What a Service has is not given to another before it had its turn.
  void keepGiven(const Service& service) {
    for (const auto ingress : service.status().loadBalancer().ingress()) {
      if (pool_.contains(ingress.ip())) {
        given_.emplace(std::string(ingress.ip()), service.key().text());
      } else {
        keepPorts(service, ingress);
      }
    }
  }

  BalancerOutcome decide(const Service& service) {
    BalancerOutcome outcome{service, {}, {}};
    json::Array ingress;
    for (const Family family : familiesOf(service)) {
      for (auto& entry : decideFamily(service, family, outcome.warning)) ingress.push_back(std::move(entry));
    }
    if (!ingress.empty()) outcome.loadBalancer["ingress"] = std::move(ingress);
    return outcome;
  }

 private:
  void keepPorts(const Service& service, const core_v1::LoadBalancerIngress& ingress) {
    std::set<std::pair<std::string_view, int64_t>> denied;
    for (const auto status : ingress.ports()) {
      if (!status.error().empty()) denied.emplace(status.protocol(), status.port());
    }
    for (const auto port : service.spec().ports()) {
      if (denied.contains({protocolOf(port), port.port()})) continue;
      ports_.emplace(std::pair(std::string(protocolOf(port)), port.port()), service.key().text());
    }
  }

  json::Array decideFamily(const Service& service, Family family, std::string& warning) {
    const auto wanted = service.spec().loadBalancerIP();
    if (!wanted.empty() && isOf(family, wanted)) return requested(service, std::string(wanted), warning);
    if (auto address = fromPool(service, family))
      return {json::Value(json::Object{{"ip", *address}, {"ipMode", "VIP"}})};
    if (!pool_.empty()) warning = "the pool of addresses is used up: the nodes' own are used";
    return onNodes(service, family, warning);
  }

  json::Array requested(const Service& service, const std::string& address, std::string& warning) {
    for (const auto& node : nodes_) {
      for (const Family family : {Family::kIpv4, Family::kIpv6}) {
        const auto own = addressesOf(node, family);
        if (std::find(own.begin(), own.end(), address) != own.end()) return {entryOf(service, address, warning)};
      }
    }
    if (!pool_.contains(address)) {
      warning = fmt::format("loadBalancerIP {} is neither of the pool nor a node's own", address);
      return {};
    }
    if (!take(service, address)) {
      warning = fmt::format("loadBalancerIP {} is used by Service {}", address, given_.at(address));
      return {};
    }
    return {json::Value(json::Object{{"ip", address}, {"ipMode", "VIP"}})};
  }

  bool take(const Service& service, const std::string& address) {
    return given_.emplace(address, service.key().text()).first->second == service.key().text();
  }

  std::optional<std::string> fromPool(const Service& service, Family family) {
    for (const auto ingress : service.status().loadBalancer().ingress()) {
      const std::string address(ingress.ip());
      if (isOf(family, address) && pool_.contains(address) && take(service, address)) return address;
    }
    std::set<std::string> taken;
    for (const auto& [address, owner] : given_) taken.insert(address);
    auto address = pool_.firstFree(lengthOf(family), taken);
    if (address) take(service, *address);
    return address;
  }

  json::Array onNodes(const Service& service, Family family, std::string& warning) {
    json::Array ingress;
    for (const auto& node : nodes_) {
      if (node.metadata().labels().contains(kExcluded)) continue;
      for (const auto& address : addressesOf(node, family)) ingress.push_back(entryOf(service, address, warning));
    }
    return ingress;
  }

  // A port that somebody else has on the nodes is named as such, and not opened.
  json::Object entryOf(const Service& service, const std::string& address, std::string& warning) {
    json::Object entry{{"ip", address}, {"ipMode", "VIP"}};
    json::Array ports;
    bool hindered = false;
    for (const auto port : service.spec().ports()) {
      json::Object status{{"port", port.port()}, {"protocol", protocolOf(port)}};
      const auto holder = holderFor(service, port);
      if (!holder.empty()) {
        hindered = true;
        status["error"] = kPortInUse;
        warning = fmt::format("port {}/{} {}", port.port(), protocolOf(port), holder);
      }
      ports.push_back(std::move(status));
    }
    if (hindered) entry["ports"] = std::move(ports);
    return entry;
  }

  std::string holderFor(const Service& service, const core_v1::ServicePort& port) {
    const auto key = service.key().text();
    const std::pair place(std::string(protocolOf(port)), port.port());
    const auto found = ports_.find(place);
    if (found != ports_.end()) return found->second == key ? "" : fmt::format("is used by Service {}", found->second);
    auto holder = holderOf_ ? holderOf_(place.first, place.second) : std::string();
    if (holder.empty()) ports_.emplace(place, key);
    return holder;
  }

  static std::string_view protocolOf(const core_v1::ServicePort& port) {
    return port.protocol().empty() ? "TCP" : port.protocol();
  }

  const std::vector<Node>& nodes_;
  const AddressRanges& pool_;
  const PortHolder& holderOf_;
  std::map<std::pair<std::string, int64_t>, std::string> ports_;  // of the nodes' addresses: whose they are
  std::map<std::string, std::string> given_;  // of the pool's addresses: whose they are; "": a node's
};

}  // namespace

std::vector<BalancerOutcome> decideLoadBalancers(std::vector<Service> services, const std::vector<Node>& nodes,
                                                 const AddressRanges& pool, const PortHolder& holderOf) {
  std::sort(services.begin(), services.end(), isOlder);
  Balancer balancer(nodes, pool, holderOf);
  for (const auto& service : services) {
    balancer.keepNodePorts(service);
    if (isBalanced(service)) balancer.keepGiven(service);
  }
  std::vector<BalancerOutcome> outcomes;
  for (const auto& service : services) {
    if (isBalanced(service)) outcomes.push_back(balancer.decide(service));
    if (isLeftover(service)) outcomes.push_back({service, {}, {}});
  }
  return outcomes;
}

}  // namespace wherry::controllers
