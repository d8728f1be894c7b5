// Queue<T>: a bounded first-in-first-out queue between threads. Safe from any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

namespace wherry::base {

template <typename T>
class Queue {
 public:
  explicit Queue(size_t capacity) : capacity_(capacity) {}

  // False when the queue is full or closed; the value is then dropped.
  bool tryPush(T value) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(value));
    }
    filled_.notify_one();
    return true;
  }

  // Waits for an item; nothing once `stop` is requested or the queue is closed and empty.
  std::optional<T> pop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, stop, [&] { return closed_ || !items_.empty(); });
    if (items_.empty() || stop.stop_requested()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

  void close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    filled_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::deque<T> items_;
  size_t capacity_;
  bool closed_ = false;
};

}  // namespace wherry::base
