// The table `ip wherry_proxy`: its rules, and the changes of its sets and maps as kernel transactions. Pure but for the
// Batch that it fills.
//
//   prerouting, output   both jump to services: a Service port in the set "n<n>" goes to the chain "n<n>", which
//   translates the
//                        destination to a random one of the port's slots 0..n-1. There is a rule and a chain for each
//                        number of endpoints that some Service has, shared by all that have it.
//   refuse_*             Service ports without endpoints: TCP reset, else ICMP port unreachable. Before routing, so
//   that it
//                        takes no route to the cluster IP.
//   postrouting          what an endpoint sends to itself through a Service gets the node's address, so that the answer
//                        comes back this way.
#pragma once

#include <optional>
#include <set>

#include "linux/nft/batch.h"
#include "linux/nft/ruleset.h"
#include "proxy/slots.h"

namespace wherry::proxy {

inline constexpr const char* kTable = "wherry_proxy";

struct Cidrs {
  std::optional<linux::Ipv4Prefix> services;   // the Service CIDR: refused where no Service is; none: left alone
  std::set<linux::Ipv4Address> nodeAddresses;  // which are never refused
};

// The numbers of endpoints for which the kernel has rules.
using Sizes = std::set<size_t>;

// The whole table as a model: what addWholeTable() makes. For tests and for reading.
linux::nft::Table wholeTable(const Slots& slots, const Cidrs& cidrs);

// Replaces the table; `sizes` becomes what it has.
void addWholeTable(linux::nft::Batch& batch, const Slots& slots, const Cidrs& cidrs, Sizes& sizes);
// Makes `slots` out of what was before `changes`, with rules for sizes that are new, which are added to `sizes`.
void addChanges(linux::nft::Batch& batch, const Slots& slots, const Changes& changes, Sizes& sizes);

}  // namespace wherry::proxy
