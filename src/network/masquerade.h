// The masquerading of pods that talk to the outside: the tables `ip wherry_network` and `ip6 wherry_network`. That of
// IPv6 also drops what a pod sends under another address than its own; of IPv4 rp_filter does, which IPv6 has not.
#pragma once

#include <string>
#include <vector>

#include "base/ip_address.h"
#include "linux/nft/ruleset.h"

namespace wherry::network {

inline constexpr const char* kMasqueradeTable = "wherry_network";

struct Masquerade {
  base::IpPrefix podCidr;      // whose packets get the node's address ...
  base::IpPrefix clusterCidr;  // ... unless they go here; of the same family
};

linux::nft::Table masqueradeTable(const Masquerade& masquerade);  // pure

// Puts the family's table in place, instead of the one that is there, in one step. Throws std::system_error.
void applyMasquerade(const Masquerade& masquerade);
void removeMasquerade();  // of both families

// Other people's chains that drop what is forwarded unless told otherwise ("ip filter FORWARD"). They are left alone.
std::vector<std::string> listDroppingForwardChains();

}  // namespace wherry::network
