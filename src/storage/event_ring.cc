#include "storage/event_ring.h"

#include <algorithm>

namespace wherry::storage {

namespace {

// An event's own state is what it keeps alive: the one before belongs to the event before it.
size_t bytesOf(const Event& event) {
  constexpr size_t kOverhead = 256;  // Event, Entry and its index, allocator
  return kOverhead + event.entry->key.size() + event.entry->bytes.size();
}

}  // namespace

EventRing::EventRing(Revision start, size_t maxEvents, size_t maxBytes)
    : oldest_(start), maxEvents_(maxEvents), maxBytes_(maxBytes) {}

std::vector<Event> EventRing::append(const std::vector<Event>& events) {
  for (const Event& event : events) {
    bytes_ += bytesOf(event);
    events_.push_back(event);
  }
  std::vector<Event> gone;
  while (!events_.empty() && (events_.size() > maxEvents_ || bytes_ > maxBytes_)) {
    bytes_ -= bytesOf(events_.front());
    oldest_ = events_.front().revision;
    gone.push_back(std::move(events_.front()));
    events_.pop_front();
  }
  return gone;
}

EventRing::Scan EventRing::scan(Revision from, std::string_view prefix, size_t most,
                                const std::function<bool(const Event&)>& visit) const {
  auto next = std::upper_bound(events_.begin(), events_.end(), from,
                               [](Revision revision, const Event& event) { return revision < event.revision; });
  Revision upTo = from;
  for (; next != events_.end() && most > 0; ++next, --most) {
    if (next->entry->key.starts_with(prefix) && !visit(*next)) return {upTo, false};
    upTo = next->revision;
  }
  return {upTo, next == events_.end()};
}

}  // namespace wherry::storage
