#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/service_facts.h"
#include "cli/resolve/named_objects.h"
#include "cli/resolve/reasons.h"

namespace wherry::cli {
namespace {

using Kind = ClusterName::Kind;

constexpr const char* kDnsItself = "the cluster DNS itself";

std::string textOf(const ClusterName& name) { return fmt::format("Service {}/{}", name.ns, name.service); }

// The endpoints of a Service that a record may be about, each in words.
template <typename Predicate>
std::string endpointsText(const NameFacts& facts, const ClusterName& name, Predicate matches) {
  std::vector<std::string> texts;
  for (const NamedEndpoint& endpoint : endpointsOf(facts, name.ns, name.service)) {
    if (endpoint.ready && matches(endpoint)) texts.push_back(endpoint.text());
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  return texts.empty() ? textOf(name) + ", of an endpoint that has changed meanwhile" : base::join(texts, "; ");
}

// Of a name that an SRV or PTR record leads to: the Service itself, or one of its endpoints.
std::string originOfHost(const NameFacts& facts, std::string_view host) {
  ClusterName name = parseClusterName(host, facts.clusterDomain);
  if (name.kind != Kind::kService) return std::string(host);
  if (name.below.empty()) return textOf(name);
  std::string label = hostOf(name);
  return endpointsText(facts, name, [&](auto& endpoint) { return endpoint.isCalled(label); });
}

std::string originInService(const NameFacts& facts, const ClusterName& name, std::string_view type,
                            std::string_view data) {
  auto service = findService(facts, name.ns, name.service);
  if (!service) return textOf(name) + ", which is gone meanwhile";
  if (type == "CNAME") return "externalName of " + textOf(name);
  if (type == "SRV") {  // priority weight port target
    size_t space = data.rfind(' ');
    std::string from = originOfHost(facts, space == data.npos ? data : data.substr(space + 1));
    auto port = portOf(name);
    return port && !port->name.empty() ? fmt::format("port {} of {}", port->name, from) : from;
  }
  if (hostOf(name).empty() && !isHeadless(*service)) return "cluster IP of " + textOf(name);
  return endpointsText(facts, name, [&](auto& endpoint) { return endpoint.address == data; });
}

std::string originInPods(const NameFacts& facts, const ClusterName& name, std::string_view data) {
  for (const auto& pod : facts.pods) {
    auto addresses = addressesOf(pod);
    bool has = std::find(addresses.begin(), addresses.end(), data) != addresses.end();
    if (pod.metadata().ns() == name.ns && has) return fmt::format("the name itself; pod {}", pod.key().text());
  }
  return fmt::format("the name itself; no pod in {} has this address", name.ns);
}

}  // namespace

std::string originOf(const NameFacts& facts, std::string_view name, std::string_view type, std::string_view data) {
  ClusterName parsed = parseClusterName(name, facts.clusterDomain);
  switch (parsed.kind) {
    case Kind::kService:
      return originInService(facts, parsed, type, data);
    case Kind::kPod:
      return originInPods(facts, parsed, data);
    case Kind::kReverse: {
      ClusterName host = parseClusterName(data, facts.clusterDomain);
      if (host.kind != Kind::kService) return "the node's resolvers";
      return host.below.empty() ? "cluster IP of " + textOf(host) : originOfHost(facts, data);
    }
    case Kind::kOutside:
      return "the node's resolvers";
    case Kind::kDomain:
    case Kind::kNamespace:
      return kDnsItself;
  }
  return "";
}

}  // namespace wherry::cli
