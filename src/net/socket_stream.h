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

// Makes streams on a thread of its own, which begins with the first. Safe from any thread.
class StreamDialer {
 public:
  StreamDialer();
  ~StreamDialer();  // closes what it made
  void connect(const Endpoint& endpoint, std::chrono::milliseconds atMost, OnConnected done);
  // TLS, as a client that believes any server, over a stream to it; null when there are no descriptors left.
  ByteStreamPtr secure(ByteStreamPtr plain);

 private:
  struct State;
  std::shared_ptr<EventLoop> loop();
  std::unique_ptr<State> state_;
};

}  // namespace wherry::net
