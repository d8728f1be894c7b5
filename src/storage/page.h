// One page of a list, out of a table and what has to be undone to see an earlier state. Pure; safe from any thread.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "storage/store.h"
#include "storage/table.h"

namespace wherry::storage {

// The earlier state of the keys that have changed since: null for those that were not there.
using Undo = std::map<std::string, EntryPtr, std::less<>>;

// Adds an event to `undo`. Events must come oldest first: the first one of a key knows the earlier state.
void addUndo(Undo& undo, const Event& event);

struct PageRequest {
  std::string_view prefix;
  std::string_view after;  // the last key of the page before; "" for the first page
  size_t limit = 0;        // 0: no limit
};

// Keys that begin with `prefix` and come after `after`, as they were before the events in `undo`, all of which must be
// under `prefix`. The caller fills Page::revision.
Page makePage(const Table& table, const Undo& undo, const PageRequest& request);

}  // namespace wherry::storage
