// The elements that packets have put into a set or map, as they are in the kernel now.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "linux/netlink_socket.h"
#include "linux/nft/ruleset.h"

namespace wherry::linux::nft {

struct ListedElement {
  Data key;
  Data data;                             // of a map
  std::chrono::milliseconds timeout{0};  // of an element that has an end
  std::chrono::milliseconds left{0};
  uint64_t packets = 0;  // of an element that counts
  uint64_t bytes = 0;
};

// Calls `visit` for each; for none when there is no such table or set. `socket` is of NETLINK_NETFILTER. Throws
// std::system_error.
void listElements(NetlinkSocket& socket, const std::string& table, const std::string& set,
                  const std::function<void(const ListedElement&)>& visit, IpFamily family = IpFamily::kIPv4);

}  // namespace wherry::linux::nft
