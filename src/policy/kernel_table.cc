#include "policy/kernel_table.h"

#include <linux/netlink.h>

#include "linux/nft/base_chains.h"

namespace wherry::policy {
namespace {

void removeTable(linux::NetlinkSocket& socket, base::IpFamily family) {
  if (!linux::nft::tableExists(socket, kTable, family)) return;
  linux::nft::Batch batch(family);
  batch.removeTableIfAny(kTable);
  batch.commit(socket);
}

}  // namespace

KernelTable::KernelTable(const base::IpPrefix& ownPods) : ownPods_(ownPods), socket_(NETLINK_NETFILTER) {}

void KernelTable::replace(const Content& content) {
  linux::nft::Batch batch(ownPods_.family());
  addWholeTable(batch, content, ownPods_);
  batch.commit(socket_);
}

void KernelTable::apply(const ContentChange& change) {
  Steps steps = stepsOf(change, ownPods_.family());
  for (linux::nft::Batch* step : {&steps.comes, &steps.leads, &steps.goes}) {
    if (!step->empty()) step->commit(socket_);
  }
}

void removePolicyRules() {
  linux::NetlinkSocket socket(NETLINK_NETFILTER);
  for (base::IpFamily family : base::kIpFamilies) removeTable(socket, family);
}

}  // namespace wherry::policy
