// PendingChanges: which objects have to be looked at again, collected between two transactions of somebody who follows
// informers and writes what they mean elsewhere, all of a batch at once. Safe from any thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

namespace wherry::client {

template <typename Key>
class PendingChanges {
 public:
  struct Taken {
    std::set<Key> keys;
    int64_t revision =
        0;  // of the objects that have revisions here: all are in up to it, since an earlier take() or now
    bool tableGone = false;
  };

  void add(Key key) {
    std::lock_guard lock(mutex_);
    pending_.keys.insert(std::move(key));
  }

  // Ends a batch of changes; wakes the taker.
  void finish() { finish(0); }
  // The same, up to `revision`.
  void finish(int64_t revision) {
    end([&] { pending_.revision = std::max(pending_.revision, revision); });
  }
  // Somebody removed what was written.
  void finishWithoutTable() {
    end([&] { pending_.tableGone = true; });
  }

  // Waits for the end of a batch, or until `deadline` if there is one, and takes all that is there. Nothing when stop
  // is requested.
  std::optional<Taken> take(std::stop_token stop, std::optional<std::chrono::steady_clock::time_point> deadline) {
    std::unique_lock lock(mutex_);
    auto isFinished = [&] { return finished_; };
    if (deadline) {
      changed_.wait_until(lock, stop, *deadline, isFinished);
    } else {
      changed_.wait(lock, stop, isFinished);
    }
    if (stop.stop_requested()) return std::nullopt;
    finished_ = false;
    return std::exchange(pending_, {.keys = {}, .revision = pending_.revision});
  }

 private:
  template <typename F>
  void end(F note) {
    {
      std::lock_guard lock(mutex_);
      note();
      finished_ = true;
    }
    changed_.notify_one();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  Taken pending_;
  bool finished_ = false;
};

}  // namespace wherry::client
