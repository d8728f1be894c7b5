#include "apiserver/watch_cursor.h"

#include <fmt/format.h>

#include "apiserver/field_labels.h"
#include "apiserver/lister.h"
#include "apiserver/object_store.h"
#include "apiserver/stored_form.h"

namespace wherry::apiserver {

WatchCursor::WatchCursor(const Backend& backend, schema::KindPtr kind, std::string_view ns, ListOptions options,
                         std::function<void()> wake)
    : backend_(backend),
      kind_(std::move(kind)),
      options_(std::move(options)),
      resourcePrefix_(resourcePrefix(storedResource(*kind_))) {
  bool fromNow = options_.revision == 0;
  bool wantsState = options_.sendInitialEvents || (fromNow && !options_.hasSendInitialEvents);
  from_ = fromNow ? backend.store.revision() : options_.revision;
  if (wantsState) listFirst(backend, ns);
  watch_ = backend.store.watch(collectionPrefix(storedResource(*kind_), ns), from_, std::move(wake));
}

void WatchCursor::listFirst(const Backend& backend, std::string_view ns) {
  ListOptions all;
  all.labels = options_.labels;
  all.fields = options_.fields;
  auto listing = listEntries(backend, *kind_, ns, all);
  for (const auto& entry : listing.entries) {
    initial_.push_back({storage::EventType::kAdded, entry->modified, bytesFor(*kind_, entry), false, true});
  }
  from_ = listing.revision;
  if (options_.sendInitialEvents && options_.allowBookmarks) {
    initial_.push_back({storage::EventType::kBookmark, from_, nullptr, true});
  }
}

bool WatchCursor::matches(const storage::EntryPtr& entry) const {
  return entry && matchesLabels(options_.labels, *entry) &&
         matchesFields(*kind_, options_.fields, resourcePrefix_, *entry);
}

net::Bytes WatchCursor::bytesAt(const storage::EntryPtr& entry, storage::Revision revision) const {
  auto bytes = bytesFor(*kind_, entry);
  if (entry->modified == revision) return bytes;
  return std::make_shared<const std::string>(withRevision(*bytes, revision));
}

// An object that leaves the selection is deleted for this watcher, and one that enters it is added.
void WatchCursor::select(const storage::Event& event, std::vector<SelectedEvent>& out) const {
  using storage::EventType;
  if (event.type == EventType::kBookmark) return;
  bool before = event.type != EventType::kAdded && matches(event.previous);
  bool now = event.type != EventType::kDeleted && matches(event.entry);
  if (event.type == EventType::kDeleted) {
    if (before || matches(event.entry)) {
      out.push_back({EventType::kDeleted, event.revision, bytesAt(event.entry, event.revision), false});
    }
  } else if (now) {
    out.push_back({before ? EventType::kModified : EventType::kAdded, event.revision,
                   bytesAt(event.entry, event.revision), false});
  } else if (before) {
    out.push_back({EventType::kDeleted, event.revision, bytesAt(event.previous, event.revision), false});
  }
}

void WatchCursor::fail() const {
  throw meta::expired(fmt::format("too old resource version: {} ({})", from_, backend_.store.revision()));
}

std::vector<SelectedEvent> WatchCursor::poll(size_t most) {
  std::vector<SelectedEvent> out;
  while (!initial_.empty() && out.size() < most) {
    out.push_back(std::move(initial_.front()));
    initial_.pop_front();
  }
  if (!out.empty()) return out;
  if (!watch_) fail();
  for (;;) {  // until something is selected or nothing is there
    bool expired = false;
    auto events = watch_->poll(most, expired);
    if (expired) fail();
    for (const auto& event : events) select(event, out);
    if (events.empty() || !out.empty()) return out;
  }
}

storage::Revision WatchCursor::position() const {
  return initial_.empty() && watch_ ? std::max(from_, watch_->position()) : from_;
}

}  // namespace wherry::apiserver
