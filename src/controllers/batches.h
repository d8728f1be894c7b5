// Many writes of a kind, several at a time, so that those that come together are on the disk together. They start
// slowly: one, then two, four and so on, until one fails: a full quota or a bad template costs few requests. Any
// thread.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>

namespace wherry::controllers {

struct BatchOutcome {
  int64_t done = 0;
  std::exception_ptr error;  // the first; null when all went well
};

// Calls `once` `count` times, on this thread and on a few of its own; none is running any more when it returns. After a
// batch in which one threw, nothing more is begun.
BatchOutcome doInBatches(int64_t count, const std::function<void(int64_t index)>& once);

}  // namespace wherry::controllers
