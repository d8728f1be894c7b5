#include "net/connection_count.h"

namespace wherry::net {

bool ConnectionCount::add(const std::string& address) {
  std::lock_guard lock(mutex_);
  if (total_ >= limits_.total || handshakes_ >= limits_.handshakes) return false;
  auto at = ofAddress_.try_emplace(address, 0).first;
  if (at->second >= limits_.perAddress) return false;
  ++at->second;
  ++total_;
  return true;
}

void ConnectionCount::remove(const std::string& address) {
  std::lock_guard lock(mutex_);
  auto at = ofAddress_.find(address);
  if (at != ofAddress_.end() && --at->second == 0) ofAddress_.erase(at);
  if (--total_ == 0) none_.notify_all();
}

void ConnectionCount::waitForNone(std::chrono::milliseconds atMost) {
  std::unique_lock lock(mutex_);
  none_.wait_for(lock, atMost, [&] { return total_ == 0; });
}

void ConnectionCount::change(size_t& count, int by) {
  std::lock_guard lock(mutex_);
  count += static_cast<size_t>(by);
}

}  // namespace wherry::net
