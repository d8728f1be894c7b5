// Inbox: what the informers tell and what the binders report, for the scheduler's thread. Safe from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "meta/object.h"
#include "meta/status.h"
#include "scheduler/snapshot.h"

namespace wherry::scheduler {

struct Change {
  enum class Of { kPod, kNode, kStorage, kNamespace, kBinding } of = Of::kPod;
  meta::ObjectPtr before;
  meta::ObjectPtr after;
  PodInfoPtr pod = {};                                  // kBinding: of whom it failed,
  std::shared_ptr<const meta::StatusError> error = {};  // and why
};

class Inbox {
 public:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;

  void push(Change change) {
    std::lock_guard lock(mutex_);
    changes_.push_back(std::move(change));
    filled_.notify_one();
  }

  // The cache of these is whole.
  void synced(Change::Of of) {
    std::lock_guard lock(mutex_);
    (of == Change::Of::kNode ? nodesSynced_ : of == Change::Of::kPod ? podsSynced_ : namespacesSynced_) = true;
    filled_.notify_one();
  }

  // All there is, waiting for some until `deadline` (none: for ever) unless there is work left. Nothing before nodes,
  // pods and namespaces are known.
  std::vector<Change> take(Deadline deadline, bool hasWork, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, stop, [&] { return nodesSynced_ && podsSynced_ && namespacesSynced_; });
    const auto filled = [&] { return !changes_.empty(); };
    if (!hasWork && deadline) {
      filled_.wait_until(lock, stop, *deadline, filled);
    } else if (!hasWork) {
      filled_.wait(lock, stop, filled);
    }
    return std::exchange(changes_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any filled_;
  std::vector<Change> changes_;
  bool nodesSynced_ = false;
  bool podsSynced_ = false;
  bool namespacesSynced_ = false;
};

}  // namespace wherry::scheduler
