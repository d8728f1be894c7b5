// Guarded<T>: a lock that owns its data, so that the data can't be touched without it.
//
//   base::Guarded<std::map<Key, Value>> table;
//   table.with([&](auto& map) { map[key] = value; });
//
// Never hold it across I/O or a call into another component.
#pragma once

#include <mutex>
#include <shared_mutex>
#include <utility>

namespace wherry::base {

template <typename T>
class Guarded {
 public:
  Guarded() = default;
  explicit Guarded(T value) : value_(std::move(value)) {}

  // Calls f(T&) with the lock held and returns what it returns.
  template <typename F>
  auto with(F&& f) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <typename F>
  auto with(F&& f) const {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }

  // A copy of the value as it is now.
  T copy() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

// The same for data that is read by many and written seldom.
template <typename T>
class SharedGuarded {
 public:
  SharedGuarded() = default;
  explicit SharedGuarded(T value) : value_(std::move(value)) {}

  template <typename F>
  auto read(F&& f) const {
    std::shared_lock lock(mutex_);
    return std::forward<F>(f)(std::as_const(value_));
  }
  template <typename F>
  auto write(F&& f) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }

 private:
  mutable std::shared_mutex mutex_;
  T value_{};
};

}  // namespace wherry::base
