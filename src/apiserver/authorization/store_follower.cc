#include "apiserver/authorization/store_follower.h"

#include <utility>

namespace wherry::apiserver {
namespace {

constexpr size_t kMostAtOnce = 1024;

}  // namespace

StoreFollower::StoreFollower(storage::Store& store, std::string prefix, Reactions reactions)
    : store_(store), prefix_(std::move(prefix)), reactions_(std::move(reactions)) {}

void StoreFollower::catchUp() {
  if (happened_.load() == takenIn_.load()) return;
  std::lock_guard lock(mutex_);
  auto happened = happened_.load();
  if (happened == takenIn_.load()) return;
  takeIn();
  takenIn_.store(happened);  // only now: others have waited for what was published
}

// Until there is nothing more: only an empty poll arms the watch.
void StoreFollower::takeIn() {
  bool changed = false;
  for (;;) {
    if (!watch_) {
      startOver();
      changed = true;
      continue;  // still none when the ring went past the list in between
    }
    bool expired = false;
    auto events = watch_->poll(kMostAtOnce, expired);
    if (expired) {
      watch_.reset();
      continue;
    }
    if (events.empty()) break;
    changed = true;
    for (const auto& event : events) {
      reactions_.take(event.entry->key, event.type == storage::EventType::kDeleted ? nullptr : event.entry);
    }
  }
  if (changed) reactions_.publish();
}

void StoreFollower::startOver() {
  auto all = store_.list(prefix_, {}, 0, 0).page;
  reactions_.clear();
  for (const auto& entry : all.entries) reactions_.take(entry->key, entry);
  watch_ = store_.watch(prefix_, all.revision, [this] { happened_.fetch_add(1); });
}

}  // namespace wherry::apiserver
