#include "network/host_ports.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "base/log.h"
#include "base/strings.h"
#include "linux/conntrack.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::FieldType;

const base::Log kLog("network");
constexpr std::array<std::pair<std::string_view, uint8_t>, 3> kProtocols = {
    {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}}};

base::IpPrefix loopback(nft::IpFamily family) {
  return *base::IpPrefix::parse(family == nft::IpFamily::kIPv4 ? "127.0.0.0/8" : "::1/128");
}

bool everyAddress(const HostPort& port) { return port.hostIp.isUnspecified(); }
bool isOf(const HostPort& port, nft::IpFamily family) {
  return port.hostIp == base::IpAddress() || port.hostIp.family() == family;
}
std::string mapOf(const HostPort& port) { return everyAddress(port) ? "ports" : "addressports"; }

nft::Data keyOf(const HostPort& port) {
  nft::Data key;
  if (!everyAddress(port)) key.address(port.hostIp);
  return key.protocol(port.protocol).port(port.hostPort);
}

nft::Data targetOf(const base::IpAddress& pod, const HostPort& port) {
  return nft::Data().address(pod).port(port.containerPort);
}

nft::Data hairpinOf(const base::IpAddress& pod) { return nft::Data().address(pod).address(pod); }

nft::Match addressIn(Field field, const base::IpPrefix& prefix,
                     nft::Match::Operator op = nft::Match::Operator::kEqual) {
  return {.field = field, .op = op, .value = nft::Data().address(prefix.address()), .prefixLength = prefix.length()};
}

nft::Chain hooked(std::string name, nft::ChainType type, nft::HookPoint point, int priority,
                  std::vector<nft::Rule> rules) {
  return {.name = std::move(name), .hook = nft::Hook{type, point, priority}, .rules = std::move(rules)};
}

nft::Chain translating(std::string name, nft::HookPoint point, std::optional<base::IpPrefix> clusterIps) {
  nft::Rule rule{{nft::MatchLocal{}}};
  if (clusterIps) {
    rule.statements.push_back(addressIn(Field::kDestinationAddress, *clusterIps, nft::Match::Operator::kNotEqual));
  }
  rule.statements.push_back(nft::Verdict{nft::VerdictKind::kJump, "hostports"});
  return hooked(std::move(name), nft::ChainType::kNat, point, nft::kPriorityDestinationNat, {rule});
}

// Links of pods with host ports may carry loopback addresses (route_localnet), so that 127.0.0.1 works. Nobody else
// may use that: what comes from a link for a loopback address is dropped before an answer's address is turned back.
nft::Chain guard(nft::IpFamily family) {
  nft::Match notLoopback{
      .field = Field::kInputInterface, .op = nft::Match::Operator::kNotEqual, .value = nft::Data().interface("lo")};
  return hooked("guard", nft::ChainType::kFilter, nft::HookPoint::kPrerouting, nft::kPriorityRaw,
                {{{notLoopback, addressIn(Field::kDestinationAddress, loopback(family)),
                   nft::Verdict{nft::VerdictKind::kDrop, ""}}}});
}

// A pod that meets itself, and a loopback address, can't be answered: they get an address of the node.
nft::Chain masquerading(nft::IpFamily family) {
  nft::MatchSet toItself{{Field::kSourceAddress, Field::kDestinationAddress}, "hairpin"};
  return hooked(
      "postrouting", nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat,
      {{{nft::MatchTranslated{}, toItself, nft::MasqueradeSource{}}},
       {{nft::MatchTranslated{}, addressIn(Field::kSourceAddress, loopback(family)), nft::MasqueradeSource{}}}});
}

void commit(nft::Batch& batch) {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  batch.commit(socket);
}

// A flow that keeps going was the node's own business so far, and would stay that for as long as packets come.
void forgetUntranslated(const std::vector<HostPort>& ports) {
  auto isOpened = [&](const linux::Connection& connection) {
    return std::any_of(ports.begin(), ports.end(), [&](const HostPort& port) {
      return port.protocol == IPPROTO_UDP && port.hostPort == connection.original.destinationPort &&
             isOf(port, connection.original.destination.family()) &&
             (everyAddress(port) || port.hostIp == connection.original.destination) &&
             connection.reply.source == connection.original.destination;
    });
  };
  bool udp = std::any_of(ports.begin(), ports.end(), [](const HostPort& port) { return port.protocol == IPPROTO_UDP; });
  if (udp) linux::deleteConnections(IPPROTO_UDP, isOpened);
}

}  // namespace

std::string renderHostPort(const HostPort& port) {
  auto protocol =
      std::find_if(kProtocols.begin(), kProtocols.end(), [&](auto& p) { return p.second == port.protocol; });
  std::string ip = port.hostIp.text();
  if (port.hostIp.family() == base::IpFamily::kIPv6) ip = "[" + ip + "]";
  return fmt::format("{} {}:{} {}", protocol == kProtocols.end() ? "?" : protocol->first, ip, port.hostPort,
                     port.containerPort);
}

std::optional<HostPort> parseHostPort(std::string_view line) {
  auto parts = base::split(line, ' ');
  size_t colon = parts.size() == 3 ? parts[1].rfind(':') : std::string_view::npos;
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view ip = parts[1].substr(0, colon);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  auto protocol = std::find_if(kProtocols.begin(), kProtocols.end(), [&](auto& p) { return p.first == parts[0]; });
  auto address = base::IpAddress::parse(ip);
  auto hostPort = base::parseInt<uint16_t>(parts[1].substr(colon + 1));
  auto containerPort = base::parseInt<uint16_t>(parts[2]);
  if (protocol == kProtocols.end() || !address || !hostPort || !containerPort) return std::nullopt;
  return HostPort{*address, protocol->second, *hostPort, *containerPort};
}

const base::IpAddress* PodPorts::find(base::IpFamily family) const {
  auto found = std::find_if(addresses.begin(), addresses.end(), [&](auto& ip) { return ip.family() == family; });
  return found == addresses.end() ? nullptr : &*found;
}

std::optional<std::string> findPortConflict(const PodPortsBySandbox& open, const std::string& sandboxId,
                                            const std::vector<HostPort>& ports) {
  for (const auto& [other, pod] : open) {
    if (other == sandboxId) continue;
    for (const HostPort& theirs : pod.ports) {
      for (const HostPort& ours : ports) {
        bool same = theirs.protocol == ours.protocol && theirs.hostPort == ours.hostPort;
        if (same && (theirs.hostIp == ours.hostIp || everyAddress(theirs) || everyAddress(ours))) return other;
      }
    }
  }
  return std::nullopt;
}

nft::Table hostPortTable(const PodPortsBySandbox& open, std::optional<base::IpPrefix> clusterIps,
                         nft::IpFamily family) {
  FieldType address = nft::addressType(family);
  nft::Type target = {address, FieldType::kPort};
  nft::DataMap ports{"ports", {FieldType::kProtocol, FieldType::kPort}, target, {}};
  nft::DataMap addressPorts{"addressports", {address, FieldType::kProtocol, FieldType::kPort}, target, {}};
  nft::Set hairpin{"hairpin", {address, address}, {}};
  for (const auto& [sandbox, pod] : open) {
    const base::IpAddress* own = pod.find(family);
    for (const HostPort& port : pod.ports) {
      if (!own || !isOf(port, family)) continue;
      (everyAddress(port) ? ports : addressPorts).elements.emplace(keyOf(port), targetOf(*own, port));
      hairpin.elements.insert(hairpinOf(*own));
    }
  }
  nft::Chain hostPorts{
      .name = "hostports",
      .rules = {{{nft::DestinationNat{{Field::kDestinationAddress, Field::kProtocol, Field::kDestinationPort},
                                      "addressports"}}},
                {{nft::DestinationNat{{Field::kProtocol, Field::kDestinationPort}, "ports"}}}}};
  return {.name = kHostPortTable,
          .sets = {std::move(hairpin)},
          .maps = {std::move(ports), std::move(addressPorts)},
          .chains = {std::move(hostPorts), guard(family),
                     translating("prerouting", nft::HookPoint::kPrerouting, clusterIps),
                     translating("output", nft::HookPoint::kOutput, clusterIps), masquerading(family)},
          .family = family};
}

HostPortTable::HostPortTable(std::optional<base::IpPrefix> clusterIps, base::IpFamily family)
    : clusterIps_(clusterIps), family_(family) {}

void HostPortTable::replace(PodPortsBySandbox open) {
  nft::Batch batch(family_);
  batch.replaceTable(hostPortTable(open, clusterIps_, family_));
  commit(batch);
  open_ = std::move(open);
}

void HostPortTable::open(const std::string& sandboxId, const PodPorts& pod) {
  auto before = open_.find(sandboxId);
  if (before != open_.end() && before->second == pod) return;
  change(sandboxId, pod.ports.empty() ? nullptr : &pod);
  forgetUntranslated(pod.ports);
}

void HostPortTable::close(const std::string& sandboxId) {
  if (open_.contains(sandboxId)) change(sandboxId, nullptr);
}

void HostPortTable::change(const std::string& sandboxId, const PodPorts* pod) {
  auto wanted = open_;
  nft::Batch batch(family_);
  auto forEachElement = [&](const PodPorts& of, auto f) {
    const base::IpAddress* own = of.find(family_);
    bool any = false;
    for (const HostPort& port : of.ports) {
      if (!own || !isOf(port, family_)) continue;
      f(mapOf(port), keyOf(port), targetOf(*own, port));
      any = true;
    }
    if (any) f("hairpin", hairpinOf(*own), nft::Data());
  };
  if (auto before = wanted.find(sandboxId); before != wanted.end()) {
    forEachElement(before->second, [&](const std::string& set, const nft::Data& key, const nft::Data&) {
      batch.deleteElement(kHostPortTable, set, key);
    });
    wanted.erase(before);
  }
  if (pod) {
    forEachElement(*pod, [&](const std::string& set, const nft::Data& key, const nft::Data& target) {
      if (target.bytes().empty()) {
        batch.addElement(kHostPortTable, set, key);
      } else {
        batch.addElement(kHostPortTable, set, key, target);
      }
    });
    wanted[sandboxId] = *pod;
  }
  if (batch.empty()) {
    open_ = std::move(wanted);
    return;
  }
  try {
    commit(batch);
    open_ = std::move(wanted);
  } catch (const nft::BatchError& error) {
    // Somebody has been at the table: it is written anew, with the change.
    kLog.warn("table {}: {}; writing it anew", kHostPortTable, error.what());
    replace(std::move(wanted));
  }
}

void removeHostPortTables() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  for (base::IpFamily family : base::kIpFamilies) {
    if (!nft::tableExists(socket, kHostPortTable, family)) continue;
    nft::Batch batch(family);
    batch.removeTableIfAny(kHostPortTable);
    batch.commit(socket);
  }
}

}  // namespace wherry::network
