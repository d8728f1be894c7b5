// The objects behind names, found. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/resolve/lookup.h"

namespace wherry::cli {

struct NamedEndpoint {
  discovery_v1::EndpointSlice slice;
  std::string address, hostname, pod;
  bool ready = false;

  // Whether it is called so below its Service: by its hostname, its address or its pod's name.
  bool isCalled(std::string_view label) const;
  std::string text() const;  // "EndpointSlice default/web-x7k2p, pod default/web-0"
};

std::optional<core_v1::Service> findService(const NameFacts& facts, std::string_view ns, std::string_view name);
bool hasNamespace(const NameFacts& facts, std::string_view ns);
// The namespaces that have a Service of that name.
std::vector<std::string> namespacesOf(const NameFacts& facts, std::string_view service);
std::vector<NamedEndpoint> endpointsOf(const NameFacts& facts, std::string_view ns, std::string_view service);

// The labels of _port._protocol in front of a name; nothing when it has none.
struct NamedPort {
  std::string name, protocol;  // "http", "TCP"; the name is "" of _tcp alone
};
std::optional<NamedPort> portOf(const ClusterName& name);
// The labels of a host behind those, joined by dots; "" when there are none.
std::string hostOf(const ClusterName& name);

}  // namespace wherry::cli
