// What the front door has to look at again, collected between two rounds. Safe from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

namespace wherry::ingress {

class PendingWork {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  struct Taken {
    bool routes = false;             // an object that routes are made of is not what it was
    bool ended = false;              // HAProxy ended by itself
    std::set<std::string> services;  // "namespace/name" of those whose EndpointSlices are not what they were
    int64_t revision = 0;            // all EndpointSlices up to it are in, since an earlier take() or now
  };

  void addRoutes();
  void addEnd();
  void addService(std::string service);  // to be followed by finish()
  void finish(int64_t revision);
  void wake();  // take() returns, with what there is

  // Waits for something to do, or until `deadline` if there is one, and takes all that is there. Nothing when stop is
  // requested.
  std::optional<Taken> take(std::stop_token stop, Deadline deadline);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Taken pending_;
  bool finished_ = false;
};

}  // namespace wherry::ingress
