#include "cli/doctor/network_policies.h"

#include <algorithm>
#include <iterator>

#include "base/ip_address.h"
#include "cli/doctor/service_facts.h"
#include "meta/selector.h"

namespace wherry::cli {
namespace {

using meta::LabelSelector;

// Lists of views have no iterators for algorithms.
template <typename List, typename Holds>
bool anyOf(const List& list, Holds holds) {
  for (auto each : list) {
    if (holds(each)) return true;
  }
  return false;
}

template <typename Containers>
bool hasPort(const Containers& containers, std::string_view name, const PolicyPort& port) {
  return anyOf(containers, [&](const auto& container) {
    return anyOf(container.ports(), [&](const auto& each) {
      return each.name() == name && each.containerPort() == port.number && protocolOf(each.protocol()) == port.protocol;
    });
  });
}

bool means(const networking_v1::NetworkPolicyPort& allowed, const PolicyPort& port) {
  if (protocolOf(allowed.protocol()) != port.protocol) return false;
  const json::Value* number = allowed.port();
  if (!number) return true;
  if (number->is_string()) {
    std::string_view name = number->get_string();
    return hasPort(port.of.spec().containers(), name, port) || hasPort(port.of.spec().initContainers(), name, port);
  }
  if (!number->is_int64()) return false;
  int64_t first = number->get_int64();
  return first <= port.number && port.number <= allowed.endPortOr(first);
}

bool isWithin(const networking_v1::IPBlock& block, const std::string& address) {
  auto ip = base::IpAddress::parse(address);
  auto cidr = base::IpPrefix::parse(block.cidr());
  if (!ip || !cidr || !cidr->contains(*ip)) return false;
  return !anyOf(block.except(), [&](std::string_view text) {
    auto except = base::IpPrefix::parse(text);
    return except && except->contains(*ip);
  });
}

bool means(const networking_v1::NetworkPolicyPeer& allowed, const PolicyPeer& peer, std::string_view ownNamespace) {
  if (allowed.hasIpBlock()) {
    auto addresses = addressesOf(peer.pod);
    return std::any_of(addresses.begin(), addresses.end(),
                       [&](const std::string& address) { return isWithin(allowed.ipBlock(), address); });
  }
  bool isThere = allowed.hasNamespaceSelector()
                     ? LabelSelector::fromObject(allowed.field("namespaceSelector")).matches(peer.namespaceLabels)
                     : peer.pod.metadata().ns() == ownNamespace;
  return isThere && (!allowed.hasPodSelector() ||
                     LabelSelector::fromObject(allowed.field("podSelector")).matches(peer.pod.metadata().labels()));
}

// Of a list that isn't there everything is meant.
template <typename List, typename Means>
bool meansAny(const List& list, Means isMeant) {
  return list.empty() || anyOf(list, isMeant);
}

template <typename Rules, typename PeersOf>
bool allowsByRules(const Rules& rules, std::string_view ns, const PolicyPort& port, const PolicyPeer* peer,
                   PeersOf peersOf) {
  return anyOf(rules, [&](const auto& rule) {
    return meansAny(rule.ports(), [&](const auto& each) { return means(each, port); }) &&
           (!peer || meansAny(peersOf(rule), [&](const auto& each) { return means(each, *peer, ns); }));
  });
}

}  // namespace

std::vector<NetworkPolicy> isolating(const std::vector<NetworkPolicy>& policies, const core_v1::Pod& pod,
                                     PolicyDirection direction) {
  std::vector<NetworkPolicy> found;
  if (pod.spec().hostNetwork()) return found;
  const std::string_view wanted = direction == PolicyDirection::kIngress ? "Ingress" : "Egress";
  std::copy_if(policies.begin(), policies.end(), std::back_inserter(found), [&](const NetworkPolicy& policy) {
    return policy.metadata().ns() == pod.metadata().ns() &&
           anyOf(policy.spec().policyTypes(), [&](std::string_view type) { return type == wanted; }) &&
           LabelSelector::fromObject(policy.spec().field("podSelector")).matches(pod.metadata().labels());
  });
  return found;
}

bool allows(const NetworkPolicy& policy, PolicyDirection direction, const PolicyPort& port, const PolicyPeer* peer) {
  auto spec = policy.spec();
  std::string_view ns = policy.metadata().ns();
  if (direction == PolicyDirection::kIngress) {
    return allowsByRules(spec.ingress(), ns, port, peer, [](const auto& rule) { return rule.from(); });
  }
  return allowsByRules(spec.egress(), ns, port, peer, [](const auto& rule) { return rule.to(); });
}

}  // namespace wherry::cli
