// Sockets as the product opens them: not blocking, closed on exec, TCP without delay and with keep-alive.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "net/http.h"

namespace wherry::net {

// Where a server listens or a client connects to.
struct Endpoint {
  std::string host;  // an address or, for a client, a name
  uint16_t port = 0;
  std::string unixPath;  // when set, a local socket; the others are not used
};

// Throws std::system_error: "bind 0.0.0.0:6443: Address already in use". A local socket that nobody listens on any more
// is replaced; it is made with mode 0600.
base::Fd listenOn(const Endpoint& endpoint);
uint16_t boundPort(int fd);

// The addresses of a host, in the order to try them (RFC 6724); a local socket is its own. Throws std::system_error
// when there is no such host. May wait for the system's resolver.
std::vector<Endpoint> resolve(const Endpoint& endpoint);

// A connection under way: it is there once the descriptor is writable and connectError() is 0.
// Throws std::system_error. REQUIRES: endpoint.host is an address.
base::Fd beginConnect(const Endpoint& endpoint);
int connectError(int fd);

// Invalid when there is none (errno says why).
base::Fd acceptFrom(int listener, Peer& peer);

}  // namespace wherry::net
