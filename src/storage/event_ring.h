// EventRing: the latest events, in order of revision, bounded in number and bytes; watches and lists at an older
// revision are served from it. Not thread-safe: its owner (durable_state.h) locks.
#pragma once

#include <deque>
#include <functional>
#include <string_view>
#include <vector>

#include "storage/store.h"

namespace wherry::storage {

class EventRing {
 public:
  // `start`: the revision at which the store was opened; what was before is not to be had.
  EventRing(Revision start, size_t maxEvents, size_t maxBytes);

  // Appends events newer than all in it. Returns the old ones that had to go, for the caller to free without its lock.
  std::vector<Event> append(const std::vector<Event>& events);

  // Whether all events after `from` are here.
  bool reaches(Revision from) const { return from >= oldest_; }

  // How far a scan came.
  struct Scan {
    Revision upTo;  // of the last event that was looked at and not refused; `from` when there was none
    bool atEnd;     // nothing comes after it
  };
  // Looks at up to `most` events after `from` and offers those under `prefix` to `visit`, until it refuses one (false).
  // REQUIRES: reaches(from).
  Scan scan(Revision from, std::string_view prefix, size_t most, const std::function<bool(const Event&)>& visit) const;

 private:
  std::deque<Event> events_;
  size_t bytes_ = 0;
  Revision oldest_;  // of the last event that is gone, or the start
  size_t maxEvents_;
  size_t maxBytes_;
};

}  // namespace wherry::storage
