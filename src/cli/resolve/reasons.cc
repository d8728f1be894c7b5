#include "cli/resolve/reasons.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "cli/doctor/phrases.h"
#include "cli/doctor/service_facts.h"
#include "cli/resolve/named_objects.h"

namespace wherry::cli {
namespace {

using Kind = ClusterName::Kind;

std::string familyOf(std::string_view type) { return type == "A" ? "IPv4" : "IPv6"; }
bool isAddress(std::string_view type) { return type == "A" || type == "AAAA"; }

std::string textOf(const ClusterName& name) { return fmt::format("Service {}/{}", name.ns, name.service); }

std::string whyOutside(const NameFacts& facts, std::string_view type, std::string_view rcode) {
  std::string who = fmt::format("not below {}: the node's resolvers", facts.clusterDomain);
  if (rcode == "NXDOMAIN") return who + " know no such name";
  if (rcode == "NOERROR") return fmt::format("{} have no {} record of it", who, type);
  return who + " were asked, and none has an answer";
}

std::string whyNoService(const NameFacts& facts, const ClusterName& name) {
  bool here = hasNamespace(facts, name.ns);
  std::string text =
      here ? fmt::format("no Service {} in {}", name.service, name.ns) : fmt::format("no namespace {}", name.ns);
  auto others = namespacesOf(facts, name.service);
  if (others.empty()) return text;
  if (!here) return fmt::format("{}; there is a Service {} in {}", text, name.service, listed(others));
  return fmt::format("{}; there's one in {}", text, listed(others));
}

std::string whyNoPort(const core_v1::Service& service, const ClusterName& name, const NamedPort& wanted) {
  std::vector<std::string> named;
  for (auto port : service.spec().ports()) {
    if (port.name().empty()) continue;
    bool same = base::toLower(port.name()) == wanted.name && protocolOf(port.protocol()) == wanted.protocol;
    if (same) return "";
    named.push_back(fmt::format("{} ({})", port.name(), protocolOf(port.protocol())));
  }
  std::string has = named.empty() ? "its ports have no names" : "it has " + listed(named);
  return fmt::format("{} has no {} port called {}; {}", textOf(name), wanted.protocol, wanted.name, has);
}

std::string whyNoHost(const NameFacts& facts, const ClusterName& name, const std::string& host) {
  for (const NamedEndpoint& endpoint : endpointsOf(facts, name.ns, name.service)) {
    if (endpoint.isCalled(host) && !endpoint.ready) return fmt::format("{} of {} is not ready", host, textOf(name));
  }
  return fmt::format("no endpoint of {} is called {}", textOf(name), host);
}

std::string whyNoEndpoints(const NameFacts& facts, const ClusterName& name) {
  size_t count = endpointsOf(facts, name.ns, name.service).size();
  std::string text = fmt::format("{} exists but has no ready endpoints", textOf(name));
  return count == 0 ? text : fmt::format("{} ({} not ready)", text, count);
}

std::string whyNoData(const core_v1::Service& service, const ClusterName& name, std::string_view type) {
  if (!isAddress(type)) return fmt::format("{} has no {} record", textOf(name), type);
  if (!name.below.empty() || isHeadless(service)) {
    return fmt::format("no ready endpoint of {} has an {} address", textOf(name), familyOf(type));
  }
  return fmt::format("{} has no {} address", textOf(name), familyOf(type));
}

std::string whyNoTarget(const core_v1::Service& service, const ClusterName& name, std::string_view type,
                        std::string_view rcode) {
  if (!name.below.empty()) return fmt::format("{} is an ExternalName: there is nothing below it", textOf(name));
  std::string target = fmt::format("the target of {}, {},", textOf(name), service.spec().externalName());
  if (rcode == "NXDOMAIN") return target + " does not exist";
  if (rcode == "NOERROR") return fmt::format("{} has no {} record", target, type);
  return target + " can't be resolved";
}

std::string whyInService(const NameFacts& facts, const ClusterName& name, std::string_view type,
                         std::string_view rcode) {
  auto service = findService(facts, name.ns, name.service);
  if (!service) return whyNoService(facts, name);
  if (isExternalName(*service)) return whyNoTarget(*service, name, type, rcode);
  auto endpoints = endpointsOf(facts, name.ns, name.service);
  bool anyReady = std::any_of(endpoints.begin(), endpoints.end(), [](auto& endpoint) { return endpoint.ready; });
  if (isHeadless(*service) && !anyReady) return whyNoEndpoints(facts, name);
  if (auto port = portOf(name); port && !port->name.empty() && rcode == "NXDOMAIN") {
    if (std::string why = whyNoPort(*service, name, *port); !why.empty()) return why;
  }
  if (std::string host = hostOf(name); !host.empty() && rcode == "NXDOMAIN") return whyNoHost(facts, name, host);
  if (rcode == "NOERROR") return whyNoData(*service, name, type);
  return fmt::format("{} has no such name below it", textOf(name));
}

std::string whyInDomain(const NameFacts& facts, std::string_view type, std::string_view rcode) {
  if (rcode == "NOERROR") return fmt::format("the cluster DNS has no {} record of it", type);
  return fmt::format("below {} there are only svc and pod", facts.clusterDomain);
}

std::string whyInNamespace(const NameFacts& facts, const ClusterName& name) {
  if (name.ns.empty() || hasNamespace(facts, name.ns)) return "it has no records of its own, only names below it";
  return fmt::format("no namespace {}", name.ns);
}

std::string whyNoPod(const NameFacts& facts, const ClusterName& name, std::string_view type, std::string_view rcode) {
  if (!hasNamespace(facts, name.ns)) return fmt::format("no namespace {}", name.ns);
  if (rcode == "NOERROR") return fmt::format("it has no {} record", type);
  return fmt::format("{} is no address with dashes for dots or colons", name.service);
}

}  // namespace

std::string whyNothing(const NameFacts& facts, std::string_view name, std::string_view type, std::string_view rcode) {
  ClusterName parsed = parseClusterName(name, facts.clusterDomain);
  switch (parsed.kind) {
    case Kind::kOutside:
      return whyOutside(facts, type, rcode);
    case Kind::kReverse:
      return "no Service and no ready endpoint has this address";
    case Kind::kDomain:
      return whyInDomain(facts, type, rcode);
    case Kind::kNamespace:
      return whyInNamespace(facts, parsed);
    case Kind::kService:
      return whyInService(facts, parsed, type, rcode);
    case Kind::kPod:
      return whyNoPod(facts, parsed, type, rcode);
  }
  return "";
}

}  // namespace wherry::cli
