// How the kernel wants a statement: as expressions on registers. Used by what talks to the kernel here. Pure.
#pragma once

#include "linux/netlink_message.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

// The kernel's number of a family of tables.
uint8_t nftFamily(IpFamily family);

// Adds the expressions of `statement`, of a table of this family, to a message whose NFTA_RULE_EXPRESSIONS nest is
// open.
void putStatement(NetlinkMessage& message, const Statement& statement, IpFamily family);

// Adds the verdict to a message whose nest for data is open.
void putVerdict(NetlinkMessage& message, const Verdict& verdict);

}  // namespace wherry::linux::nft
