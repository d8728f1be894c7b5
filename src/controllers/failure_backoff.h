// How long to wait before what failed is tried again, by name: nothing the first time, then 1 s, doubled each time up
// to 15 minutes; forgotten when nothing failed for half an hour (upstream's flowcontrol.Backoff). No clock of its own,
// not safe to share between threads.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace wherry::controllers {

class FailureBackoff {
 public:
  // When `name` may be tried again; nothing when it may be tried now.
  std::optional<base::WallTime> until(std::string_view name, base::WallTime now) const;
  // It failed and is tried again now.
  void failed(std::string_view name, base::WallTime now);

 private:
  struct Entry {
    std::chrono::seconds delay;
    base::WallTime since;
  };
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace wherry::controllers
