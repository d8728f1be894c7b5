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
#include "linux/nft/batch.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;
using nft::Field;
using nft::FieldType;

const base::Log kLog("network");
constexpr linux::Ipv4Prefix kLoopback{{0x7f000000}, 8};
constexpr std::array<std::pair<std::string_view, uint8_t>, 3> kProtocols = {
    {{"tcp", IPPROTO_TCP}, {"udp", IPPROTO_UDP}, {"sctp", IPPROTO_SCTP}}};

bool everyAddress(const HostPort& port) { return port.hostIp.value == 0; }
std::string mapOf(const HostPort& port) { return everyAddress(port) ? "ports" : "addressports"; }

nft::Data keyOf(const HostPort& port) {
  nft::Data key;
  if (!everyAddress(port)) key.address(port.hostIp);
  return key.protocol(port.protocol).port(port.hostPort);
}

nft::Data targetOf(const PodPorts& pod, const HostPort& port) {
  return nft::Data().address(pod.address).port(port.containerPort);
}

nft::Data hairpinOf(const PodPorts& pod) { return nft::Data().address(pod.address).address(pod.address); }

nft::Match addressIn(Field field, linux::Ipv4Prefix prefix, nft::Match::Operator op = nft::Match::Operator::kEqual) {
  return {.field = field, .op = op, .value = nft::Data().address(prefix.address), .prefixLength = prefix.length};
}

nft::Chain hooked(std::string name, nft::ChainType type, nft::HookPoint point, int priority,
                  std::vector<nft::Rule> rules) {
  return {.name = std::move(name), .hook = nft::Hook{type, point, priority}, .rules = std::move(rules)};
}

nft::Chain translating(std::string name, nft::HookPoint point, std::optional<linux::Ipv4Prefix> clusterIps) {
  nft::Rule rule{{nft::MatchLocal{}}};
  if (clusterIps) {
    rule.statements.push_back(addressIn(Field::kDestinationAddress, *clusterIps, nft::Match::Operator::kNotEqual));
  }
  rule.statements.push_back(nft::Verdict{nft::VerdictKind::kJump, "hostports"});
  return hooked(std::move(name), nft::ChainType::kNat, point, nft::kPriorityDestinationNat, {rule});
}

// Links of pods with host ports may carry loopback addresses (route_localnet), so that 127.0.0.1 works. Nobody else
// may use that: what comes from a link for a loopback address is dropped before an answer's address is turned back.
nft::Chain guard() {
  nft::Match notLoopback{
      .field = Field::kInputInterface, .op = nft::Match::Operator::kNotEqual, .value = nft::Data().interface("lo")};
  return hooked(
      "guard", nft::ChainType::kFilter, nft::HookPoint::kPrerouting, nft::kPriorityRaw,
      {{{notLoopback, addressIn(Field::kDestinationAddress, kLoopback), nft::Verdict{nft::VerdictKind::kDrop, ""}}}});
}

// A pod that meets itself, and a loopback address, can't be answered: they get an address of the node.
nft::Chain masquerading() {
  nft::MatchSet toItself{{Field::kSourceAddress, Field::kDestinationAddress}, "hairpin"};
  return hooked("postrouting", nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat,
                {{{nft::MatchTranslated{}, toItself, nft::MasqueradeSource{}}},
                 {{nft::MatchTranslated{}, addressIn(Field::kSourceAddress, kLoopback), nft::MasqueradeSource{}}}});
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
  return fmt::format("{} {}:{} {}", protocol == kProtocols.end() ? "?" : protocol->first, port.hostIp.text(),
                     port.hostPort, port.containerPort);
}

std::optional<HostPort> parseHostPort(std::string_view line) {
  auto parts = base::split(line, ' ');
  auto where = parts.size() == 3 ? base::splitOnce(parts[1], ':') : std::nullopt;
  if (!where) return std::nullopt;
  auto protocol = std::find_if(kProtocols.begin(), kProtocols.end(), [&](auto& p) { return p.first == parts[0]; });
  auto address = linux::Ipv4Address::parse(where->first);
  auto hostPort = base::parseInt<uint16_t>(where->second);
  auto containerPort = base::parseInt<uint16_t>(parts[2]);
  if (protocol == kProtocols.end() || !address || !hostPort || !containerPort) return std::nullopt;
  return HostPort{*address, protocol->second, *hostPort, *containerPort};
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

nft::Table hostPortTable(const PodPortsBySandbox& open, std::optional<linux::Ipv4Prefix> clusterIps) {
  nft::Type target = {FieldType::kAddress, FieldType::kPort};
  nft::DataMap ports{"ports", {FieldType::kProtocol, FieldType::kPort}, target, {}};
  nft::DataMap addressPorts{"addressports", {FieldType::kAddress, FieldType::kProtocol, FieldType::kPort}, target, {}};
  nft::Set hairpin{"hairpin", {FieldType::kAddress, FieldType::kAddress}, {}};
  for (const auto& [sandbox, pod] : open) {
    for (const HostPort& port : pod.ports) {
      (everyAddress(port) ? ports : addressPorts).elements.emplace(keyOf(port), targetOf(pod, port));
      hairpin.elements.insert(hairpinOf(pod));
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
          .chains = {std::move(hostPorts), guard(), translating("prerouting", nft::HookPoint::kPrerouting, clusterIps),
                     translating("output", nft::HookPoint::kOutput, clusterIps), masquerading()}};
}

HostPortTable::HostPortTable(std::optional<linux::Ipv4Prefix> clusterIps) : clusterIps_(clusterIps) {}

void HostPortTable::replace(PodPortsBySandbox open) {
  nft::Batch batch;
  batch.replaceTable(hostPortTable(open, clusterIps_));
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
  nft::Batch batch;
  if (auto before = wanted.find(sandboxId); before != wanted.end()) {
    for (const HostPort& port : before->second.ports) batch.deleteElement(kHostPortTable, mapOf(port), keyOf(port));
    batch.deleteElement(kHostPortTable, "hairpin", hairpinOf(before->second));
    wanted.erase(before);
  }
  if (pod) {
    for (const HostPort& port : pod->ports) {
      batch.addElement(kHostPortTable, mapOf(port), keyOf(port), targetOf(*pod, port));
    }
    batch.addElement(kHostPortTable, "hairpin", hairpinOf(*pod));
    wanted[sandboxId] = *pod;
  }
  if (batch.empty()) return;
  try {
    commit(batch);
    open_ = std::move(wanted);
  } catch (const nft::BatchError& error) {
    // Somebody has been at the table: it is written anew, with the change.
    kLog.warn("table ip {}: {}; writing it anew", kHostPortTable, error.what());
    replace(std::move(wanted));
  }
}

void removeHostPortTable() {
  nft::Batch batch;
  batch.removeTableIfAny(kHostPortTable);
  commit(batch);
}

}  // namespace wherry::network
