#include "proxy/pending_changes.h"

#include <algorithm>
#include <utility>

namespace wherry::proxy {

void PendingChanges::add(std::string service) {
  std::lock_guard lock(mutex_);
  pending_.services.insert(std::move(service));
}

void PendingChanges::finish() { finish(0); }

void PendingChanges::finish(int64_t revision) {
  {
    std::lock_guard lock(mutex_);
    pending_.revision = std::max(pending_.revision, revision);
    finished_ = true;
  }
  changed_.notify_one();
}

void PendingChanges::finishWithoutTable() {
  {
    std::lock_guard lock(mutex_);
    pending_.tableGone = true;
    finished_ = true;
  }
  changed_.notify_one();
}

std::optional<PendingChanges::Taken> PendingChanges::take(
    std::stop_token stop, std::optional<std::chrono::steady_clock::time_point> deadline) {
  std::unique_lock lock(mutex_);
  auto isFinished = [&] { return finished_; };
  if (deadline) {
    changed_.wait_until(lock, stop, *deadline, isFinished);
  } else {
    changed_.wait(lock, stop, isFinished);
  }
  if (stop.stop_requested()) return std::nullopt;
  finished_ = false;
  return std::exchange(pending_, {.services = {}, .revision = pending_.revision});
}

}  // namespace wherry::proxy
