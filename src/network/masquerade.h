// The masquerading of pods that talk to the outside: the table `ip wherry_network`.
#pragma once

#include <string>
#include <vector>

#include "linux/ipv4.h"
#include "linux/nft/ruleset.h"

namespace wherry::network {

inline constexpr const char* kMasqueradeTable = "wherry_network";

struct Masquerade {
  linux::Ipv4Prefix podCidr;      // whose packets get the node's address ...
  linux::Ipv4Prefix clusterCidr;  // ... unless they go here
};

linux::nft::Table masqueradeTable(const Masquerade& masquerade);  // pure

// Puts the table in place, instead of the one that is there, in one step. Throws std::system_error.
void applyMasquerade(const Masquerade& masquerade);
void removeMasquerade();

// Other people's chains that drop what is forwarded unless told otherwise ("ip filter FORWARD"). They are left alone.
std::vector<std::string> listDroppingForwardChains();

}  // namespace wherry::network
