// The tables `ip wherry_policy` and `ip6 wherry_policy`: their rules, and changes of their content as kernel
// transactions. Pure but for the Batch that it fills.
//
//   forward              what is sent on, to and from pods: each packet of each connection, so that a change of a
//   policy
//                        holds for those that there are. What the node itself sends and receives does not come here.
//   output               what the node sends to pods under a client's address (network/return_path.h), as the client's.
//   ingress, egress      judge by what connection tracking knows of the connection, which is the same for its packets
//   in
//                        both directions and for what is said about it (ICMP): who began it, and who answers, after the
//                        translation of Services. The pod's address leads to the chain of its class, or back if it is
//                        not isolated. A pod of this node that leads nowhere is not known yet: dropped.
//   in<n>, out<n>        the classes (classes.h): return is allowed, the end is refuse.
//   *_stray              the same for what belongs to no connection: nothing of that is allowed where a pod is
//   isolated. refuse               TCP reset, else ICMP port unreachable, for what would begin a connection. The rest
//   is dropped:
//                        a reset would end for good what a change of policies may allow again.
#pragma once

#include "linux/nft/batch.h"
#include "linux/nft/ruleset.h"
#include "policy/content.h"

namespace wherry::policy {

inline constexpr const char* kTable = "wherry_policy";

// The whole table as a model. `ownPods`: as Isolation has it.
linux::nft::Table wholeTable(const Content& content, const base::IpPrefix& ownPods);

// Replaces the table, of the batch's family.
void addWholeTable(linux::nft::Batch& batch, const Content& content, const base::IpPrefix& ownPods);

// A change in three steps, each a transaction, so that no packet meets a set or a chain that is not whole: what is new,
// what leads to it and away from what is old, what goes. Each may be empty.
struct Steps {
  explicit Steps(base::IpFamily family) : comes(family), leads(family), goes(family) {}
  linux::nft::Batch comes, leads, goes;
};
Steps stepsOf(const ContentChange& change, base::IpFamily family);

}  // namespace wherry::policy
