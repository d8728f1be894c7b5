#include "ingress/pending_work.h"

#include <algorithm>
#include <utility>

namespace wherry::ingress {

void PendingWork::addRoutes() {
  std::lock_guard lock(mutex_);
  pending_.routes = finished_ = true;
  changed_.notify_one();
}

void PendingWork::addEnd() {
  std::lock_guard lock(mutex_);
  pending_.ended = finished_ = true;
  changed_.notify_one();
}

void PendingWork::addService(std::string service) {
  std::lock_guard lock(mutex_);
  pending_.services.insert(std::move(service));
}

void PendingWork::finish(int64_t revision) {
  std::lock_guard lock(mutex_);
  pending_.revision = std::max(pending_.revision, revision);
  finished_ = true;
  changed_.notify_one();
}

void PendingWork::wake() {
  std::lock_guard lock(mutex_);
  finished_ = true;
  changed_.notify_one();
}

std::optional<PendingWork::Taken> PendingWork::take(std::stop_token stop, Deadline deadline) {
  std::unique_lock lock(mutex_);
  auto isDone = [this] { return finished_; };
  if (deadline) {
    changed_.wait_until(lock, stop, *deadline, isDone);
  } else {
    changed_.wait(lock, stop, isDone);
  }
  if (stop.stop_requested()) return std::nullopt;
  finished_ = false;
  int64_t revision = pending_.revision;
  Taken taken = std::exchange(pending_, Taken());
  pending_.revision = revision;
  return taken;
}

}  // namespace wherry::ingress
