// HTTP/2 (RFC 9113) over a connection of a server: up to 250 requests at a time, each with its own flow control.
#pragma once

#include <memory>

#include "net/connection.h"
#include "net/server.h"

namespace wherry::net {

// `options` and `handler` outlive it.
std::unique_ptr<Protocol> newHttp2(Connection& connection, const ServerOptions& options, const Handler& handler);

}  // namespace wherry::net
