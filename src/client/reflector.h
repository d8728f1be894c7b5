// Reflector: follows resources by list and watch, whatever happens to the connection. One thread follows any number of
// them: it waits until a watch has something, hands over everything that is there, and waits again.
//
// After 410 (the watch is too old) it lists again; after any other failure it comes back with a growing delay (0.1 s to
// 30 s). All functions of a Follower are called on that one thread, in the order of revisions; they must be quick.
// Safe from any thread, but for a Follower's own functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client/client.h"
#include "meta/gvk.h"

namespace wherry::client {

struct Follower {
  std::function<void(ObjectList)> onList;            // everything there is now: replaces what was known
  std::function<void(const WatchEvent&)> onEvent;    // never a bookmark
  std::function<void(int64_t revision)> onRevision;  // after a list and each batch of events; may be empty
};

// How long to wait after this many failures in a row (1: the first). Pure.
std::chrono::milliseconds reconnectDelay(unsigned failures);

class Reflector {
 public:
  explicit Reflector(Client& client);
  ~Reflector();  // stops and joins
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  using Id = uint64_t;
  Id follow(const meta::Resource& resource, const ListOptions& options, Follower follower);
  // Its functions are not called after this returns. Not from within one of them.
  void unfollow(Id id);
  // Calls `task` on the thread, between batches.
  void post(std::function<void()> task);
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::client
