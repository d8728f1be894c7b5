// Asks the node's resolvers what is not ours. Every question goes out from a socket of its own: a random port and a
// random id (RFC 5452), and only its server's answer to that very question is taken. Servers are tried in order, each
// for a bounded time. All calls on the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "clusterdns/socket_address.h"
#include "net/event_loop.h"

namespace wherry::clusterdns {

class Forwarder {
 public:
  // The answer with the question's own id; nothing when no server gave one in time, or too many questions are under
  // way.
  using OnReply = std::function<void(std::optional<std::string> reply)>;

  Forwarder(net::EventLoop& loop, uint16_t port = 53) : loop_(loop), port_(port) {}

  void setServers(std::vector<std::string> servers) { servers_ = std::move(servers); }
  void ask(std::string query, Transport transport, OnReply onReply);

 private:
  class Exchange;

  net::EventLoop& loop_;
  uint16_t port_;
  std::vector<std::string> servers_;
  std::shared_ptr<size_t> underWay_ = std::make_shared<size_t>(0);
};

}  // namespace wherry::clusterdns
