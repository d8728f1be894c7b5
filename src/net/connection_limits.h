// How many connections a server takes. Beyond a limit a connection is closed as soon as it is accepted: nothing of it
// is read.
#pragma once

#include <cstddef>

#include "net/server.h"

namespace wherry::net {

struct ConnectionLimits {
  size_t total = 20'000;
  size_t perAddress = 10'000;
  size_t handshakes = 2'000;  // TLS handshakes that are not done
};

// As startServer (server.h), with these limits instead of options.maxConnections.
std::unique_ptr<Server> startServer(ServerOptions options, const ConnectionLimits& limits, Handler handler);

}  // namespace wherry::net
