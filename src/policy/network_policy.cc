#include "policy/network_policy.h"

#include <algorithm>

#include <fmt/format.h>
#include <netinet/in.h>

#include "json/value.h"
#include "views/core_v1.h"
#include "views/networking_v1.h"

namespace wherry::policy {
namespace {

using networking_v1::NetworkPolicyPeer;
using networking_v1::NetworkPolicyPort;

uint8_t protocolNumber(std::string_view name) {
  if (name == "UDP") return IPPROTO_UDP;
  return name == "SCTP" ? IPPROTO_SCTP : IPPROTO_TCP;
}

void addPort(PortSet& set, const NetworkPolicyPort& port) {
  uint8_t protocol = protocolNumber(port.protocol());
  const json::Value* number = port.port();
  if (!number) return set.add(protocol, 0, UINT16_MAX);
  if (number->is_string()) return set.add(PortName{protocol, std::string(std::string_view(number->get_string()))});
  if (!number->is_int64()) return;
  int64_t first = number->get_int64(), last = port.endPortOr(first);
  if (first < 0 || last > UINT16_MAX || last < first) return;
  set.add(protocol, static_cast<uint16_t>(first), static_cast<uint16_t>(last));
}

// Without any: all of them.
template <typename Ports>
PortSet readPorts(const Ports& ports) {
  PortSet set;
  bool any = false;
  for (auto port : ports) {
    addPort(set, port);
    any = true;
  }
  return any ? set : PortSet::everything();
}

void addPeer(PolicyRule& rule, const NetworkPolicyPeer& peer, const std::string& ns) {
  if (peer.hasIpBlock()) {
    auto cidr = base::IpPrefix::parse(peer.ipBlock().cidr());
    if (!cidr) return;
    IpBlock block{.cidr = *cidr, .except = {}};
    for (std::string_view text : peer.ipBlock().except()) {
      if (auto except = base::IpPrefix::parse(text)) block.except.push_back(*except);
    }
    return rule.blocks.push_back(std::move(block));
  }
  auto selector = [&](std::string_view name) { return meta::LabelSelector::fromObject(peer.field(name)); };
  PeerSelector selected{.ns = ns, .namespaces = std::nullopt, .pods = meta::LabelSelector::everything()};
  if (peer.hasNamespaceSelector()) selected.namespaces = selector("namespaceSelector");
  if (peer.hasPodSelector()) selected.pods = selector("podSelector");
  rule.peers.push_back(std::move(selected));
}

// Without peers.
void meanEverybody(PolicyRule& rule) {
  for (base::IpFamily family : base::kIpFamilies) rule.blocks.push_back({base::IpPrefix::all(family), {}});
}

// A port by name is that of the pod that is sent to, which a block may have among its addresses.
void meanNamesInBlocks(PolicyRule& rule) {
  if (rule.ports.names().empty()) return;
  auto everything = meta::LabelSelector::everything();
  for (const IpBlock& block : rule.blocks) {
    rule.peers.push_back({.ns = "", .namespaces = everything, .pods = everything, .within = block});
  }
}

// `peersOf`: "from" or "to".
template <typename Rules, typename PeersOf>
std::vector<PolicyRule> readRules(const Rules& rules, const std::string& ns, Direction direction, PeersOf peersOf) {
  std::vector<PolicyRule> read;
  for (auto rule : rules) {
    PolicyRule& next = read.emplace_back();
    next.ports = readPorts(rule.ports());
    bool any = false;
    for (NetworkPolicyPeer peer : peersOf(rule)) {
      addPeer(next, peer, ns);
      any = true;
    }
    if (!any) meanEverybody(next);
    if (direction == Direction::kEgress) meanNamesInBlocks(next);
  }
  return read;
}

void addNamedPorts(NamedPorts& ports, const core_v1::Container& container) {
  for (auto port : container.ports()) {
    if (port.name().empty()) continue;
    ports[{protocolNumber(port.protocol()), std::string(port.name())}].insert(
        static_cast<uint16_t>(port.containerPort()));
  }
}

// Of one that does not say it: what may come in, and what may go out if it has rules for that.
bool speaksOf(const networking_v1::NetworkPolicySpec& spec, Direction direction) {
  bool any = false;
  for (std::string_view type : spec.policyTypes()) {
    if (type == (direction == Direction::kIngress ? "Ingress" : "Egress")) return true;
    any = true;
  }
  if (any) return false;
  return direction == Direction::kIngress || spec.egress().begin() != spec.egress().end();
}

}  // namespace

bool IpBlock::contains(const base::IpAddress& address) const {
  return cidr.contains(address) &&
         std::none_of(except.begin(), except.end(), [&](const base::IpPrefix& hole) { return hole.contains(address); });
}

std::string IpBlock::text() const {
  std::string text = cidr.text();
  for (const base::IpPrefix& hole : except) text += " but " + hole.text();
  return text;
}

std::string PeerSelector::text() const {
  std::string block = within ? "\nwithin " + within->text() : "";
  return fmt::format("{}\n{}{}", namespaces ? "in " + namespaces->text() : ns, pods.text(), block);
}

NetworkPolicy readNetworkPolicy(const meta::Object& object) {
  const networking_v1::NetworkPolicySpec spec(json::find(object.tree(), "spec"));
  NetworkPolicy policy{.ns = std::string(object.metadata().ns()),
                       .pods = spec.hasPodSelector() ? meta::LabelSelector::fromObject(spec.field("podSelector"))
                                                     : meta::LabelSelector::everything(),
                       .ingress = std::nullopt,
                       .egress = std::nullopt};
  if (speaksOf(spec, Direction::kIngress)) {
    policy.ingress = readRules(spec.ingress(), policy.ns, Direction::kIngress, [](auto& rule) { return rule.from(); });
  }
  if (speaksOf(spec, Direction::kEgress)) {
    policy.egress = readRules(spec.egress(), policy.ns, Direction::kEgress, [](auto& rule) { return rule.to(); });
  }
  return policy;
}

PodFacts readPod(const meta::ObjectPtr& object) {
  const core_v1::Pod pod(object);
  PodFacts facts{.object = object,
                 .ns = std::string(object->metadata().ns()),
                 .addresses = {},
                 .ports = {},
                 .ending = object->metadata().deleting()};
  std::string_view phase = pod.status().phase();
  if (pod.spec().hostNetwork() || phase == "Succeeded" || phase == "Failed") return facts;
  for (auto ip : pod.status().podIPs()) {
    if (auto address = base::IpAddress::parse(ip.ip())) facts.addresses.push_back(*address);
  }
  for (auto container : pod.spec().containers()) addNamedPorts(facts.ports, container);
  for (auto container : pod.spec().initContainers()) {
    if (container.restartPolicy() == "Always") addNamedPorts(facts.ports, container);  // KEP-753
  }
  return facts;
}

bool sameFacts(const PodFacts& a, const PodFacts& b) {
  return a.ns == b.ns && a.addresses == b.addresses && a.ports == b.ports && a.ending == b.ending &&
         a.labels() == b.labels();
}

}  // namespace wherry::policy
