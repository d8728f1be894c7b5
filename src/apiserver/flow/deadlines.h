// Deadlines of requests that are not answered yet. All share one timer, which is set for the earliest of them and not
// at all while there are none: a request that is answered in time costs a place in a map. Safe from any thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>

#include "apiserver/dispatcher.h"
#include "base/guarded.h"

namespace wherry::apiserver {

struct DeadlinesState;

class Deadlines {
 public:
  explicit Deadlines(Dispatcher& dispatcher);

  // Takes back the deadline when it is destroyed.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&&) noexcept = default;
    Hold& operator=(Hold&& other) noexcept;
    ~Hold() { release(); }
    void release();

   private:
    friend class Deadlines;
    std::weak_ptr<DeadlinesState> state_;
    std::pair<std::chrono::steady_clock::time_point, uint64_t> key_;
  };

  // `late` is called on the dispatcher's thread unless the hold is gone by then.
  [[nodiscard]] Hold add(std::chrono::milliseconds time, std::function<void()> late);

 private:
  std::shared_ptr<DeadlinesState> state_;
};

}  // namespace wherry::apiserver
