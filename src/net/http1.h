// HTTP/1.1 (RFC 9112) over a connection of a server. Requests are taken one after the other; a pipelined one waits in a
// bounded buffer until the answer before it is complete.
#pragma once

#include <memory>

#include "net/connection.h"
#include "net/server.h"

namespace wherry::net {

// `options` and `handler` outlive it.
std::unique_ptr<Protocol> newHttp1(Connection& connection, const ServerOptions& options, const Handler& handler);

// The answer that the server gives by itself, worded by options.errorResponse.
Response errorAnswer(const ServerOptions& options, int status, std::string_view why);

}  // namespace wherry::net
