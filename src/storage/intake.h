// Intake: where writes are decided, get their revision and wait for the committer.
//
// A write is decided against the newest state: what waits here or is being committed, else the durable view. It gets
// the next revision and joins the queue in the same step, so that the queue is in order of revision. Safe from any
// thread; one thread takes.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/strings.h"
#include "storage/store.h"

namespace wherry::storage {

enum class Verb { kCreate, kUpdate, kRemove };

// The compare-and-swap rule. `newest` is null when the key is missing; `expected` means nothing for a create.
WriteError decide(Verb verb, const EntryPtr& newest, Revision expected);

// A write that was decided and waits to be committed.
struct Write {
  Event event;  // what it does, at its revision
  OnCommitted done;
};

class Intake {
 public:
  using Lookup = std::function<EntryPtr(std::string_view key)>;

  // `last`: the revision before the first one to be given; `durable` looks a key up in the durable view.
  Intake(Revision last, Indexer indexer, Lookup durable);

  struct Request {
    Verb verb;
    std::string key;
    Revision expected;
  };
  // Queues the write, or calls `done` at once with why not. Calls `render` and the indexer with the lock held.
  void submit(Request request, const Render& render, OnCommitted done);

  EntryPtr newest(std::string_view key) const;
  Revision lastGiven() const;

  // Waits for writes and takes all there are; empty when there are none and `stop` is requested or wake() was called.
  std::vector<Write> take(std::stop_token stop);
  void wake();
  // The writes are in the durable view now.
  void settle(const std::vector<Write>& writes);
  // Forgets all that is not durable, since a commit failed; returns the writes that were queued.
  std::vector<Write> abandon();

 private:
  // What a write that is not durable yet made of a key.
  struct Pending {
    EntryPtr entry;  // null: removed
    Revision revision;
  };

  EntryPtr newestLocked(std::string_view key) const;
  Event makeEvent(Request request, EntryPtr previous, const Render& render);

  Indexer indexer_;
  Lookup durable_;
  mutable std::mutex mutex_;
  std::condition_variable_any filled_;
  std::unordered_map<std::string, Pending, base::StringHash, std::equal_to<>> pending_;
  std::vector<Write> queue_;
  bool woken_ = false;
  Revision last_;
};

}  // namespace wherry::storage
