#include "network/masquerade.h"

#include <linux/netlink.h>

#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"

namespace wherry::network {
namespace {

namespace nft = linux::nft;

nft::Match addressMatch(nft::Field field, nft::Match::Operator op, linux::Ipv4Prefix prefix) {
  return {.field = field, .op = op, .value = nft::Data().address(prefix.address), .prefixLength = prefix.length};
}

}  // namespace

nft::Table masqueradeTable(const Masquerade& masquerade) {
  nft::Rule rule{
      {addressMatch(nft::Field::kSourceAddress, nft::Match::Operator::kEqual, masquerade.podCidr),
       addressMatch(nft::Field::kDestinationAddress, nft::Match::Operator::kNotEqual, masquerade.clusterCidr),
       nft::MasqueradeSource{}}};
  nft::Hook hook{nft::ChainType::kNat, nft::HookPoint::kPostrouting, nft::kPrioritySourceNat};
  return {.name = kMasqueradeTable, .chains = {{.name = "postrouting", .hook = hook, .rules = {rule}}}};
}

void applyMasquerade(const Masquerade& masquerade) {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  nft::Batch batch;
  batch.replaceTable(masqueradeTable(masquerade));
  batch.commit(socket);
}

void removeMasquerade() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  nft::Batch batch;
  batch.removeTableIfAny(kMasqueradeTable);
  batch.commit(socket);
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
