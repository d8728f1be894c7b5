// A watcher's place: the objects that are there at first, then every change, reduced to what its selectors select. The
// same for HTTP watchers and in-process ones. From one thread at a time.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apiserver/backend.h"
#include "apiserver/list_options.h"
#include "net/http.h"
#include "schema/kind.h"
#include "storage/store.h"

namespace wherry::apiserver {

struct SelectedEvent {
  storage::EventType type;
  storage::Revision revision;
  net::Bytes bytes;         // stored form, in the kind's version; null for a bookmark
  bool initialEnd = false;  // the bookmark after the objects that were there (KEP-3157)
  bool initial = false;     // one of these objects
};

class WatchCursor {
 public:
  // `wake` as storage::Watch has it. Throws as listing does.
  WatchCursor(const Backend& backend, schema::KindPtr kind, std::string_view ns, ListOptions options,
              std::function<void()> wake);

  // What is there now; an empty answer arms `wake`. Throws Expired for a watcher that fell behind or began too early.
  std::vector<SelectedEvent> poll(size_t most);
  // Everything up to here has been handed out.
  storage::Revision position() const;

 private:
  void listFirst(const Backend& backend, std::string_view ns);
  void select(const storage::Event& event, std::vector<SelectedEvent>& out) const;
  bool matches(const storage::EntryPtr& entry) const;
  net::Bytes bytesAt(const storage::EntryPtr& entry, storage::Revision revision) const;
  [[noreturn]] void fail() const;

  const Backend& backend_;
  schema::KindPtr kind_;
  ListOptions options_;
  std::string resourcePrefix_;
  std::deque<SelectedEvent> initial_;
  storage::Revision from_ = 0;
  std::unique_ptr<storage::Watch> watch_;
};

}  // namespace wherry::apiserver
