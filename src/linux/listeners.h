// Which sockets of this machine listen, and whose they are: to say who has a port that is in use. IPv4 and IPv6, of the
// calling thread's network namespace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::linux {

enum class Transport { kTcp, kUdp };

struct Listener {
  Transport transport = Transport::kTcp;
  uint16_t port = 0;
  uint64_t inode = 0;
};

// The listening sockets in a table such as /proc/net/tcp (proc(5)); of UDP those that are bound and not connected.
// Pure.
std::vector<Listener> parseSocketTable(std::string_view text, Transport transport);

// Whether a line of such a table of TCP is a connection that its server has not accepted yet. Pure.
bool anyUnaccepted(std::string_view text);
// The same of the calling thread's network namespace.
bool anyUnaccepted();

// "dnsmasq (process 123)"; "" when nobody listens there or it can't be told (not root).
std::string findHolder(Transport transport, uint16_t port);

}  // namespace wherry::linux
