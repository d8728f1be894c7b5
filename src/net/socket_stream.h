// A connected socket as a ByteStream, and TCP connections made without blocking. What stands behind a proxied request.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "net/byte_stream.h"
#include "net/event_loop.h"
#include "net/socket.h"
#include "net/transport.h"

namespace wherry::net {

// The socket is read and written on the loop's thread, where the handlers are called. Above 256 KiB that wait to be
// sent write() answers false.
ByteStreamPtr newSocketStream(std::shared_ptr<EventLoop> loop, std::unique_ptr<Transport> transport);

// Null and why: "connect: connection refused".
using OnConnected = std::function<void(ByteStreamPtr, std::string error)>;

// Connects within `atMost`; `done` is called once, on the loop's thread. REQUIRES: endpoint.host is an address.
void connectStream(std::shared_ptr<EventLoop> loop, const Endpoint& endpoint, std::chrono::milliseconds atMost,
                   OnConnected done);

}  // namespace wherry::net
