#include "controllers/batches.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace wherry::controllers {

namespace {

constexpr int64_t kAtOnce = 16;

// Those from `first` up to, not including, `end`.
class Batch {
 public:
  Batch(int64_t first, int64_t end, const std::function<void(int64_t)>& once) : next_(first), end_(end), once_(once) {}

  BatchOutcome run() {
    {
      std::vector<std::jthread> others;
      const int64_t helpers = std::min(end_ - next_, kAtOnce) - 1;
      for (int64_t i = 0; i < helpers; ++i) others.emplace_back([this] { work(); });
      work();
    }
    return {done_, error_};
  }

 private:
  void work() {
    for (int64_t index = next_++; index < end_; index = next_++) {
      try {
        once_(index);
        ++done_;
      } catch (...) {
        std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
    }
  }

  std::atomic<int64_t> next_;
  const int64_t end_;
  const std::function<void(int64_t)>& once_;
  std::atomic<int64_t> done_ = 0;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

BatchOutcome doInBatches(int64_t count, const std::function<void(int64_t index)>& once) {
  BatchOutcome all;
  int64_t first = 0;
  for (int64_t size = 1; first < count && !all.error; size *= 2) {
    const int64_t end = std::min(first + size, count);
    const auto outcome = Batch(first, end, once).run();
    all.done += outcome.done;
    all.error = outcome.error;
    first = end;
  }
  return all;
}

}  // namespace wherry::controllers
