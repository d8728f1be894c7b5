// How the kernel wants a statement: as expressions on registers. Used by nft/batch.cc alone. Pure.
#pragma once

#include "linux/netlink_message.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

// Adds the expressions of `statement` to a message whose NFTA_RULE_EXPRESSIONS nest is open.
void putStatement(NetlinkMessage& message, const Statement& statement);

}  // namespace wherry::linux::nft
