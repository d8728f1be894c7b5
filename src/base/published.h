// Published<T>: an immutable snapshot that is swapped whole. Readers keep what they loaded for as long as they like;
// writers publish a new one and wake whoever waits for it. Safe from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace wherry::base {

template <typename T>
class Published {
 public:
  using Snapshot = std::shared_ptr<const T>;

  Published() : value_(std::make_shared<const T>()) {}
  explicit Published(T value) : value_(std::make_shared<const T>(std::move(value))) {}

  Snapshot load() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

  void publish(T value) { publish(std::make_shared<const T>(std::move(value))); }
  void publish(Snapshot value) {
    {
      std::lock_guard lock(mutex_);
      value_.swap(value);
    }
    changed_.notify_all();
  }

  // Waits until holds(const T&) is true of the published value, `atMost` at the longest; returns whether it is.
  template <typename Predicate>
  bool waitUntil(Predicate holds, std::chrono::milliseconds atMost) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, atMost, [&] { return holds(*value_); });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Snapshot value_;
};

}  // namespace wherry::base
