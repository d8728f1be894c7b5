// How many connections there are, over all threads of a server, from where, and how many still shake hands. Safe from
// any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <unordered_map>

#include "net/connection_limits.h"

namespace wherry::net {

class ConnectionCount {
 public:
  explicit ConnectionCount(const ConnectionLimits& limits) : limits_(limits) {}

  // False when there is no room for one more from there.
  bool add(const std::string& address);
  void remove(const std::string& address);
  void beginHandshake() { change(handshakes_, 1); }
  void endHandshake() { change(handshakes_, -1); }
  void waitForNone(std::chrono::milliseconds atMost);

 private:
  void change(size_t& count, int by);

  const ConnectionLimits limits_;
  std::mutex mutex_;
  std::condition_variable none_;
  size_t total_ = 0;
  size_t handshakes_ = 0;
  std::unordered_map<std::string, size_t> ofAddress_;
};

}  // namespace wherry::net
