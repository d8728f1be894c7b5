// Workqueue: keys to be worked on, each at most once at a time, however often it was added (level-driven); failures
// come back with exponential back-off (5 ms to 1000 s as upstream's default limiter), addAfter at a deadline. Safe from
// any thread. Idle workers wait on a condition variable; no timer runs without a deadline.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace wherry::client {

// How long the back-off after this many failures in a row is (0: the first). Pure.
std::chrono::milliseconds retryDelay(unsigned failures);

class Workqueue {
 public:
  explicit Workqueue(std::string name);  // for log lines and metrics
  ~Workqueue();
  Workqueue(const Workqueue&) = delete;
  Workqueue& operator=(const Workqueue&) = delete;

  void add(std::string key);
  // The earliest deadline of a key wins; a later one does not postpone it.
  void addAfter(std::string key, std::chrono::milliseconds delay);
  void addRateLimited(std::string key);
  void forget(const std::string& key);  // its back-off starts anew

  // The next key, waiting for one; nothing when stop is requested. done(key) must follow.
  std::optional<std::string> take(std::stop_token stop);
  void done(const std::string& key);
  size_t size() const;
  const std::string& name() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Threads that call reconcile(key) for what the queue holds. A StatusError or std::exception is logged and the key
// comes back rate-limited (Conflict and NotFound quietly: something moved meanwhile); a return forgets the key's
// back-off.
class ReconcileLoop {
 public:
  using Reconcile = std::function<void(const std::string& key)>;
  ReconcileLoop(Workqueue& queue, Reconcile reconcile, unsigned workers = 1);
  ~ReconcileLoop();  // stops and joins

 private:
  Workqueue& queue_;
  Reconcile reconcile_;
  std::vector<std::jthread> threads_;
};

}  // namespace wherry::client
