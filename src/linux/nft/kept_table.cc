#include "linux/nft/kept_table.h"

#include <algorithm>
#include <exception>

namespace wherry::linux::nft {

ElementChanges::Record KeptTable::record() const {
  return retryAt_ ? ElementChanges::Record::kNothing : ElementChanges::Record::kEverything;
}

void KeptTable::close() {
  retryAt_.reset();
  retryDelay_ = kFirstRetry;
}

void KeptTable::repair() {
  if (retryAt_) return;
  log_.warn("somebody removed table {}, or changed it; writing it anew", name_);
  open();
}

void KeptTable::apply(const std::function<void()>& change, const std::function<void()>& replace) {
  if (retryAt_ && Clock::now() < *retryAt_) return;
  if (retryAt_) return write(replace);
  try {
    change();
  } catch (const std::exception& error) {
    log_.warn("{}; writing the whole table", error.what());
    write(replace);
  }
}

void KeptTable::write(const std::function<void()>& replace) {
  try {
    replace();
    close();
  } catch (const std::exception& error) {
    log_.error("can't write table {}: {}; next try in {} ms", name_, error.what(), retryDelay_.count());
    retryAt_ = Clock::now() + retryDelay_;
    retryDelay_ = std::min(retryDelay_ * 2, kLastRetry);
  }
}

}  // namespace wherry::linux::nft
