// pods/portforward: a client's streams, each joined to a TCP connection in the pod's network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/dispatcher.h"
#include "apiserver/pod_dial.h"
#include "apiserver/request_info.h"
#include "net/server.h"

namespace wherry::apiserver {

// What a client is told when a connection does not come about.
std::string forwardError(const ForwardTarget& target, uint16_t port, std::string_view why);

// Over SPDY, in a WebSocket's tunnel or not: a pair of streams (data, error) for each connection, as many as the client
// opens. The dispatcher counts the 30 s in which a pair must be complete.
void startSpdyPortForward(std::shared_ptr<net::RawConnection> connection, ForwardTarget target, Dispatcher& dispatcher);

// The ports that a WebSocket without streams of its own asks for: one connection each. Throws BadRequest.
std::vector<uint16_t> readForwardPorts(const Query& query);
// Channel 2n carries the n-th port's bytes, 2n + 1 its error; each begins with the port, two bytes, the low one first.
void startWebSocketPortForward(std::shared_ptr<net::RawConnection> connection, std::string_view protocol,
                               ForwardTarget target, const std::vector<uint16_t>& ports);

}  // namespace wherry::apiserver
