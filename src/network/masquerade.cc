#include "network/masquerade.h"

#include <linux/netlink.h>

#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"
#include "network/pod_link.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;

nft::Match addressMatch(nft::Field field, nft::Match::Operator op, const base::IpPrefix& prefix) {
  return {.field = field, .op = op, .value = nft::Data().address(prefix.address()), .prefixLength = prefix.length()};
}

nft::Chain refusingForeignSources() {
  nft::Match fromPod{.field = nft::Field::kInputInterface, .value = nft::Data().interfacesFrom(kHostInterfacePrefix)};
  nft::Hook hook{nft::ChainType::kFilter, nft::HookPoint::kPrerouting, nft::kPriorityRaw};
  return {.name = "prerouting",
          .hook = hook,
          .rules = {{{fromPod, nft::MatchNotFromThere{}, nft::Verdict{nft::VerdictKind::kDrop, ""}}}}};
}

}  // namespace

nft::Table masqueradeTable(const Masquerade& masquerade) {
  nft::Rule rule{
      {addressMatch(nft::Field::kSourceAddress, nft::Match::Operator::kEqual, masquerade.podCidr),
       addressMatch(nft::Field::kDestinationAddress, nft::Match::Operator::kNotEqual, masquerade.clusterCidr),
       nft::MasqueradeSource{}}};
  nft::Hook hook{nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat};
  nft::Table table{.name = kMasqueradeTable,
                   .chains = {{.name = "postrouting", .hook = hook, .rules = {rule}}},
                   .family = masquerade.podCidr.family()};
  if (table.family == base::IpFamily::kIPv6) table.chains.push_back(refusingForeignSources());
  return table;
}

void applyMasquerade(const Masquerade& masquerade) {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  nft::Batch batch(masquerade.podCidr.family());
  batch.replaceTable(masqueradeTable(masquerade));
  batch.commit(socket);
}

void removeMasquerade() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  for (base::IpFamily family : base::kIpFamilies) {
    if (!nft::tableExists(socket, kMasqueradeTable, family)) continue;
    nft::Batch batch(family);
    batch.removeTableIfAny(kMasqueradeTable);
    batch.commit(socket);
  }
}

std::vector<std::string> listDroppingForwardChains() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  std::vector<std::string> names;
  for (const nft::BaseChain& chain : nft::listBaseChains(socket)) {
    if (chain.point == nft::HookPoint::kForward && chain.dropsByDefault) names.push_back(chain.text());
  }
  return names;
}

}  // namespace wherry::network
