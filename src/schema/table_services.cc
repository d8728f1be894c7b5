#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/strings.h"
#include "schema/table_cells.h"
#include "schema/table_text.h"

namespace wherry::schema {
namespace {

using json::Value;
using Now = base::WallTime;

constexpr size_t kShown = 3;

// Addresses or host names that a load balancer answers at.
std::vector<std::string> loadBalancerAddresses(const Value& object) {
  std::set<std::string> sorted;
  for (const Value& ingress : arrayAt(object, "status.loadBalancer.ingress")) {
    std::string address = textAt(ingress, "ip", json::getString(ingress, "hostname"));
    if (!address.empty()) sorted.insert(std::move(address));
  }
  return {sorted.begin(), sorted.end()};
}

std::vector<std::string> textsOf(const json::Array& array) {
  std::vector<std::string> texts;
  for (const Value& value : array) texts.emplace_back(value.is_string() ? std::string_view(value.get_string()) : "");
  return texts;
}

Value serviceClusterIp(const Value& service, Now) {
  return Value(textAt(service, "spec.clusterIPs.0", textAt(service, "spec.clusterIP", kNone)));
}

Value serviceExternalIp(const Value& service, Now) {
  std::string_view type = json::getString(service, "spec.type");
  if (type == "ExternalName") return Value(json::getString(service, "spec.externalName"));
  bool balanced = type == "LoadBalancer";
  std::vector<std::string> addresses = balanced ? loadBalancerAddresses(service) : std::vector<std::string>();
  for (std::string& external : textsOf(arrayAt(service, "spec.externalIPs"))) addresses.push_back(std::move(external));
  if (addresses.empty()) return Value(balanced ? std::string_view("<pending>") : kNone);
  return Value(base::join(addresses, ","));
}

Value servicePorts(const Value& service, Now) {
  std::vector<std::string> ports;
  for (const Value& port : arrayAt(service, "spec.ports")) {
    std::string text = std::to_string(json::getInt(port, "port"));
    if (int64_t nodePort = json::getInt(port, "nodePort")) text += ":" + std::to_string(nodePort);
    ports.push_back(text + "/" + textAt(port, "protocol", "TCP"));
  }
  return Value(ports.empty() ? std::string(kNone) : base::join(ports, ","));
}

Value serviceSelector(const Value& service, Now) { return Value(renderLabels(objectAt(service, "spec.selector"))); }

std::string hostPort(std::string_view ip, int64_t port) {
  bool isIpv6 = ip.find(':') != std::string_view::npos;
  return isIpv6 ? fmt::format("[{}]:{}", ip, port) : fmt::format("{}:{}", ip, port);
}

Value endpoints(const Value& object, Now) {
  std::vector<std::string> all;
  for (const Value& subset : arrayAt(object, "subsets")) {
    const json::Array& ports = arrayAt(subset, "ports");
    for (const Value& port : ports) {
      for (const Value& address : arrayAt(subset, "addresses")) {
        all.push_back(hostPort(json::getString(address, "ip"), json::getInt(port, "port")));
      }
    }
    if (!ports.empty()) continue;
    for (const Value& address : arrayAt(subset, "addresses")) all.emplace_back(json::getString(address, "ip"));
  }
  return Value(renderShortened(all, kShown, arrayAt(object, "subsets").empty() ? kNone : ""));
}

Value endpointSlicePorts(const Value& slice, Now) {
  std::vector<std::string> ports;
  for (const Value& port : arrayAt(slice, "ports")) {
    int64_t number = json::getInt(port, "port");
    ports.push_back(number != 0 ? std::to_string(number) : textAt(port, "name", "*"));
  }
  return Value(renderShortened(ports, kShown, kUnset));
}

Value endpointSliceEndpoints(const Value& slice, Now) {
  std::vector<std::string> addresses;
  for (const Value& endpoint : arrayAt(slice, "endpoints")) {
    for (std::string& address : textsOf(arrayAt(endpoint, "addresses"))) addresses.push_back(std::move(address));
  }
  return Value(renderShortened(addresses, kShown, kUnset));
}

Value ingressClass(const Value& ingress, Now) {
  std::string_view annotated = json::getString(ingress, "spec.ingressClassName");
  if (!annotated.empty()) return Value(annotated);
  const Value* annotation = objectAt(ingress, "metadata.annotations").if_contains("kubernetes.io/ingress.class");
  return annotation == nullptr ? Value(kNone) : *annotation;
}

// Rules without a host count for "more" too, as they always have.
Value ingressHosts(const Value& ingress, Now) {
  const json::Array& rules = arrayAt(ingress, "spec.rules");
  std::vector<std::string> hosts;
  bool more = false;
  for (const Value& rule : rules) {
    more = more || hosts.size() == kShown;
    std::string_view host = json::getString(rule, "host");
    if (!more && !host.empty()) hosts.emplace_back(host);
  }
  if (hosts.empty()) return "*";
  std::string text = base::join(hosts, ",");
  return Value(more ? fmt::format("{} + {} more...", text, rules.size() - kShown) : text);
}

Value ingressAddress(const Value& ingress, Now) { return Value(base::join(loadBalancerAddresses(ingress), ",")); }

Value ingressPorts(const Value& ingress, Now) { return arrayAt(ingress, "spec.tls").empty() ? "80" : "80, 443"; }

Value ingressClassParameters(const Value& object, Now) {
  const Value* parameters = json::find(object, "spec.parameters");
  if (parameters == nullptr || parameters->is_null()) return Value(kNone);
  std::string kind(json::getString(*parameters, "kind"));
  std::string_view group = json::getString(*parameters, "apiGroup");
  if (!group.empty()) kind.append(".").append(group);
  return Value(kind + "/" + std::string(json::getString(*parameters, "name")));
}

Value networkPolicyPodSelector(const Value& policy, Now) {
  return Value(renderSelector(json::find(policy, "spec.podSelector")));
}

Value ipAddressParent(const Value& address, Now) {
  const Value* parent = json::find(address, "spec.parentRef");
  if (parent == nullptr || parent->is_null()) return Value(kNone);
  std::string text(json::getString(*parent, "resource"));
  for (auto [separator, field] : {std::pair{".", "group"}, {"/", "namespace"}, {"/", "name"}}) {
    std::string_view part = json::getString(*parent, field);
    if (!part.empty()) text.append(separator).append(part);
  }
  return Value(text);
}

Value serviceCidrs(const Value& cidr, Now) { return Value(base::join(textsOf(arrayAt(cidr, "spec.cidrs")), ",")); }

constexpr NamedCell kCells[] = {
    {"serviceClusterIP", serviceClusterIp},
    {"serviceExternalIP", serviceExternalIp},
    {"servicePorts", servicePorts},
    {"serviceSelector", serviceSelector},
    {"endpoints", endpoints},
    {"endpointSlicePorts", endpointSlicePorts},
    {"endpointSliceEndpoints", endpointSliceEndpoints},
    {"ingressClass", ingressClass},
    {"ingressHosts", ingressHosts},
    {"ingressAddress", ingressAddress},
    {"ingressPorts", ingressPorts},
    {"ingressClassParameters", ingressClassParameters},
    {"networkPolicyPodSelector", networkPolicyPodSelector},
    {"ipAddressParent", ipAddressParent},
    {"serviceCIDRs", serviceCidrs},
};

}  // namespace

std::span<const NamedCell> serviceCells() { return kCells; }

}  // namespace wherry::schema
