// PendingChanges: which Services have to be looked at again, collected between two transactions. Safe from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

namespace wherry::proxy {

class PendingChanges {
 public:
  struct Taken {
    std::set<std::string> services;  // "namespace/name"
    int64_t revision = 0;            // all EndpointSlices up to it are in, since an earlier take() or now
    bool tableGone = false;
  };

  void add(std::string service);
  // Ends a batch of changes of Services; wakes the taker.
  void finish();
  // The same for EndpointSlices, which are now known up to `revision`.
  void finish(int64_t revision);
  // Somebody removed the table.
  void finishWithoutTable();

  // Waits for the end of a batch, or until `deadline` if there is one, and takes all that is there. Nothing when stop
  // is requested.
  std::optional<Taken> take(std::stop_token stop, std::optional<std::chrono::steady_clock::time_point> deadline);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Taken pending_;
  bool finished_ = false;
};

}  // namespace wherry::proxy
