// The tables `ip wherry_proxy` and `ip6 wherry_proxy`, which are the same but for their addresses: their rules, and the
// changes of their sets and maps as kernel transactions. Pure but for the Batch that it fills.
//
//   admit_*              before any translation: who may not come (loadBalancerSourceRanges), and what comes from
//                        outside for a port whose endpoints are all elsewhere (externalTrafficPolicy Local).
//   prerouting, output   translate the destination. A client with affinity goes where it went before. Else a Service
//                        port in the set "n<n>" goes to the chain "n<n>", which takes a random one of the port's slots
//                        0..n-1. There is a rule and a chain for each number of endpoints that some Service has,
//                        shared by all that have it. Node ports have sets and chains of their own, and so have those
//                        ports that lead clients from outside to other endpoints than the node and its pods.
//   filter_*             what is translated is counted, and remembered where the port has affinity. Service ports
//                        without endpoints: TCP reset, else ICMP port unreachable. Before routing, so that it takes no
//                        route to the cluster IP. The same for addresses of pods that are gone, by where they lead to.
//   postrouting          what couldn't be answered this way gets the node's address: what an endpoint sends to itself
//                        through a Service, what the node sends from a loopback address, what is for an endpoint
//                        elsewhere. All others come under their own address.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "linux/nft/batch.h"
#include "linux/nft/ruleset.h"
#include "proxy/slots.h"

namespace wherry::proxy {

inline constexpr const char* kTable = "wherry_proxy";
inline constexpr const char* kAffinityMap = "affinity";
inline constexpr const char* kTrafficSet = "traffic";
inline constexpr const char* kConnectionsSet = "connections";

struct Cidrs {
  std::optional<base::IpPrefix> services;         // the Service CIDR: refused where no Service is; none: left alone
  std::optional<base::IpPrefix> pods;             // this node's: what comes from there is not from outside
  std::set<base::IpAddress> nodeAddresses;        // which are never refused
  base::IpFamily family = base::IpFamily::kIPv4;  // of all of them, and of the table
  // The load balancer's: refused where no Service is, though the node may have them; no node ports there.
  std::vector<base::IpPrefix> balancerPool = {};
};

// What the kernel has rules for, besides those that are always there.
struct Shapes {
  std::set<std::pair<const Front*, size_t>> sizes;         // numbers of endpoints
  std::set<std::pair<const Front*, uint32_t>> affinities;  // seconds
};

// The whole table as a model: what addWholeTable() makes. For tests and for reading.
linux::nft::Table wholeTable(const Slots& slots, const Cidrs& cidrs);

// Replaces the table, of the batch's family; `shapes` becomes what it has. Calls `added` after the rules and each
// element: the table may be committed up to there, and what is in it works.
void addWholeTable(linux::nft::Batch& batch, const Slots& slots, const Cidrs& cidrs, Shapes& shapes,
                   const std::function<void()>& added);
// Makes `slots` out of what was before `changes`, with rules for shapes that are new, which are added to `shapes`.
void addChanges(linux::nft::Batch& batch, const Slots& slots, const Changes& changes, Shapes& shapes);

}  // namespace wherry::proxy
