#include "storage/intake.h"

namespace wherry::storage {

namespace {

EventType eventTypeOf(Verb verb) {
  switch (verb) {
    case Verb::kCreate:
      return EventType::kAdded;
    case Verb::kUpdate:
      return EventType::kModified;
    case Verb::kRemove:
      return EventType::kDeleted;
  }
  return EventType::kModified;
}

}  // namespace

WriteError decide(Verb verb, const EntryPtr& newest, Revision expected) {
  if (verb == Verb::kCreate) return newest ? WriteError::kExists : WriteError::kNone;
  if (!newest) return WriteError::kMissing;
  return newest->modified == expected ? WriteError::kNone : WriteError::kConflict;
}

Intake::Intake(Revision last, Indexer indexer, Lookup durable)
    : indexer_(std::move(indexer)), durable_(std::move(durable)), last_(last) {}

void Intake::submit(Request request, const Render& render, OnCommitted done) {
  Committed refused;
  {
    std::lock_guard lock(mutex_);
    EntryPtr current = newestLocked(request.key);
    refused.error = decide(request.verb, current, request.expected);
    if (refused.ok()) {
      Event event = makeEvent(std::move(request), std::move(current), render);
      last_ = event.revision;
      pending_[event.entry->key] = {event.type == EventType::kDeleted ? nullptr : event.entry, event.revision};
      queue_.push_back({std::move(event), std::move(done)});
      if (queue_.size() == 1) filled_.notify_one();
      return;
    }
    refused.entry = std::move(current);
  }
  done(std::move(refused));
}

// Changes nothing here, so that a `render` that throws leaves no trace.
Event Intake::makeEvent(Request request, EntryPtr previous, const Render& render) {
  Revision revision = last_ + 1;
  auto entry = std::make_shared<Entry>();
  entry->key = std::move(request.key);
  entry->bytes = render(revision);
  entry->created = previous ? previous->created : revision;
  entry->modified = revision;
  if (indexer_) entry->index = indexer_(entry->key, entry->bytes);
  return {eventTypeOf(request.verb), revision, std::move(entry), std::move(previous)};
}

EntryPtr Intake::newest(std::string_view key) const {
  std::lock_guard lock(mutex_);
  return newestLocked(key);
}

EntryPtr Intake::newestLocked(std::string_view key) const {
  auto pending = pending_.find(key);
  return pending == pending_.end() ? durable_(key) : pending->second.entry;
}

Revision Intake::lastGiven() const {
  std::lock_guard lock(mutex_);
  return last_;
}

std::vector<Write> Intake::take(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  filled_.wait(lock, stop, [&] { return !queue_.empty() || woken_; });
  woken_ = false;
  return std::exchange(queue_, {});
}

void Intake::wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  filled_.notify_one();
}

void Intake::settle(const std::vector<Write>& writes) {
  std::lock_guard lock(mutex_);
  for (const Write& write : writes) {
    auto pending = pending_.find(write.event.entry->key);
    if (pending != pending_.end() && pending->second.revision == write.event.revision) pending_.erase(pending);
  }
}

std::vector<Write> Intake::abandon() {
  std::lock_guard lock(mutex_);
  pending_.clear();
  return std::exchange(queue_, {});
}

}  // namespace wherry::storage
