#include "cli/resolve/named_objects.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/strings.h"

namespace wherry::cli {
namespace {

constexpr std::string_view kServiceName = "kubernetes.io/service-name";

std::string withDashes(std::string_view address) {
  std::string label(address);
  std::replace_if(
      label.begin(), label.end(), [](char c) { return c == '.' || c == ':'; }, '-');
  if (label.starts_with('-')) label.insert(0, 1, '0');
  if (label.ends_with('-')) label += '0';
  return label;
}

}  // namespace

bool NamedEndpoint::isCalled(std::string_view label) const {
  return label == base::toLower(hostname) || label == withDashes(address) || label == pod;
}

std::string NamedEndpoint::text() const {
  std::string_view ns = slice.metadata().ns();
  std::string text = fmt::format("EndpointSlice {}/{}", ns, slice.metadata().name());
  return pod.empty() ? text : fmt::format("{}, pod {}/{}", text, ns, pod);
}

std::optional<core_v1::Service> findService(const NameFacts& facts, std::string_view ns, std::string_view name) {
  for (const auto& service : facts.services) {
    if (service.metadata().ns() == ns && service.metadata().name() == name) return service;
  }
  return std::nullopt;
}

bool hasNamespace(const NameFacts& facts, std::string_view ns) {
  return std::any_of(facts.namespaces.begin(), facts.namespaces.end(),
                     [&](auto& one) { return one.metadata().name() == ns; });
}

std::vector<std::string> namespacesOf(const NameFacts& facts, std::string_view name) {
  std::vector<std::string> namespaces;
  for (const auto& service : facts.services) {
    if (service.metadata().name() == name) namespaces.emplace_back(service.metadata().ns());
  }
  std::sort(namespaces.begin(), namespaces.end());
  return namespaces;
}

std::vector<NamedEndpoint> endpointsOf(const NameFacts& facts, std::string_view ns, std::string_view service) {
  std::vector<NamedEndpoint> endpoints;
  for (const auto& slice : facts.slices) {
    if (slice.metadata().ns() != ns || slice.metadata().label(kServiceName) != service) continue;
    for (auto endpoint : slice.endpoints()) {
      if (endpoint.addresses().empty()) continue;
      endpoints.push_back({.slice = slice,
                           .address = std::string(endpoint.addresses()[0]),
                           .hostname = std::string(endpoint.hostname()),
                           .pod = std::string(endpoint.targetRef().kind() == "Pod" ? endpoint.targetRef().name() : ""),
                           .ready = endpoint.conditions().readyOr(true)});
    }
  }
  return endpoints;
}

std::optional<NamedPort> portOf(const ClusterName& name) {
  auto isProtocol = [&](size_t at) {
    return at < name.below.size() &&
           (name.below[at] == "_tcp" || name.below[at] == "_udp" || name.below[at] == "_sctp");
  };
  auto protocol = [&](size_t at) {
    std::string text = name.below[at].substr(1);
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
  };
  if (isProtocol(1) && name.below[0].starts_with('_')) return NamedPort{name.below[0].substr(1), protocol(1)};
  if (isProtocol(0)) return NamedPort{"", protocol(0)};
  return std::nullopt;
}

std::string hostOf(const ClusterName& name) {
  auto port = portOf(name);
  size_t from = !port ? 0 : port->name.empty() ? 1 : 2;
  return base::join({name.below.begin() + static_cast<long>(from), name.below.end()}, ".");
}

}  // namespace wherry::cli
