// What other programs have hooked into the packet path: read, never changed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "linux/netlink_socket.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

struct BaseChain {
  std::string family;  // "ip", "inet"; others aren't listed
  std::string table;
  std::string name;
  HookPoint point = HookPoint::kForward;
  bool dropsByDefault = false;

  std::string text() const { return family + " " + table + " " + name; }
};

// `socket` is of NETLINK_NETFILTER. Throws std::system_error.
std::vector<BaseChain> listBaseChains(NetlinkSocket& socket);

// Whether a rule of the chain's table compares something with exactly these bytes: an address, or as much of it as a
// prefix on a byte's border has ("\x0a\xf4" for 10.244.0.0/16). Says that somebody thought of them, not what follows.
bool tableNames(NetlinkSocket& socket, const BaseChain& chain, std::string_view bytes);

// Whether there is a table of family ip.
bool tableExists(NetlinkSocket& socket, const std::string& table, IpFamily family = IpFamily::kIPv4);

}  // namespace wherry::linux::nft
