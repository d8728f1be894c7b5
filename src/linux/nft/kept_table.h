// KeptTable: that a table in the kernel is as it shall be: written whole at first, and whenever a change of it is
// refused or somebody else has been at it; where that fails too it is tried again, later each time. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "linux/nft/element_changes.h"

namespace wherry::linux::nft {

class KeptTable {
 public:
  using Clock = std::chrono::steady_clock;
  KeptTable(std::string name, const base::Log& log) : name_(std::move(name)), log_(log) {}  // "ip wherry_proxy"

  // When the whole table is to be written next; nothing while the kernel has it.
  const std::optional<Clock::time_point>& retryAt() const { return retryAt_; }
  // What changes need to be recorded until then.
  ElementChanges::Record record() const;

  void open() { retryAt_ = Clock::now(); }  // write it with the next apply()
  void close();                             // it is not wanted any more
  void repair();                            // somebody removed or changed it: open(), said in the log

  // Calls `change`, or `replace` when the whole table has to be written and it is time. Both throw std::exception when
  // the kernel refuses.
  void apply(const std::function<void()>& change, const std::function<void()>& replace);

 private:
  void write(const std::function<void()>& replace);

  const std::string name_;
  const base::Log& log_;
  std::optional<Clock::time_point> retryAt_;
  std::chrono::milliseconds retryDelay_ = kFirstRetry;
  static constexpr std::chrono::milliseconds kFirstRetry{500};
  static constexpr std::chrono::milliseconds kLastRetry{30000};
};

}  // namespace wherry::linux::nft
