// The store: keys to serialised objects, with one revision counter, compare-and-swap, and watches.
//
// It knows keys, no kinds: "/registry/<resource>/<namespace>/<name>" is only text here. Everything is held in memory
// (the engine is read once, at open) and written through to an Engine (engine.h) that commits in groups: one fsync for
// all writes that wait. Reads and watches see a write only once it is durable, and in order; writes are checked against
// the newest state, durable or not, so that two writers never both win.
//
// Safe from any thread. Keys under the volatile prefixes given at open (Events, node heartbeats) live in memory only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wherry::storage {

using Revision = int64_t;  // 0: none

// What the owner of the bytes wants to find an object by without parsing it; filled by the indexer, at write and at
// open.
struct Index {
  std::string uid;
  std::vector<std::pair<std::string, std::string>> labels;  // sorted by key
};
using Indexer = std::function<Index(std::string_view key, std::string_view bytes)>;

struct Entry {
  std::string key;
  std::string bytes;
  Revision created = 0;   // of the write that made the key
  Revision modified = 0;  // of the write that made these bytes
  Index index;
};
using EntryPtr = std::shared_ptr<const Entry>;

enum class EventType { kAdded, kModified, kDeleted, kBookmark };

struct Event {
  EventType type;
  Revision revision;
  EntryPtr entry;     // the new state; for kDeleted the last one, as finally written; null for kBookmark
  EntryPtr previous;  // the state before; null for kAdded (selectors need it to tell who leaves the selection)
};

// Why a write did not happen.
enum class WriteError {
  kNone,
  kExists,    // create: the key is there
  kMissing,   // update, remove: the key is not there
  kConflict,  // the key is at another revision than expected
  kRefused,   // the engine can't write (disk full, read-only): message says why
};

struct Committed {
  WriteError error = WriteError::kNone;
  EntryPtr entry;  // the entry as written (for a removal: the last state); on kConflict and kExists the one in the way
  std::string message;  // for kRefused
  bool ok() const { return error == WriteError::kNone; }
};

// Called once, from the commit thread or from within the call when nothing had to be written. Must be quick and throw
// nothing; may write again, but not wait for that.
using OnCommitted = std::function<void(Committed)>;

// Given the revision that the write gets, returns the bytes to store (which hold the revision as resourceVersion).
// Called from within the call, at most once, while no other write is decided: it must be quick and not call the store.
// When it throws, nothing was written, and the caller gets the exception.
using Render = std::function<std::string(Revision)>;

struct Page {
  std::vector<EntryPtr> entries;  // in key order
  Revision revision = 0;          // the state that the page is of
  bool more = false;              // there are keys after the last one
  size_t remaining = 0;           // how many (exact)
};

// The answer to a read at a revision that is not (or no longer) to be had.
enum class ReadError { kNone, kExpired, kFuture };
struct PageResult {
  ReadError error = ReadError::kNone;
  Page page;
};

// One watcher's place in the event ring. Not thread-safe itself, but `wake` may be called from any thread. Destroying
// it waits for a `wake` that is being called, so do that neither in `wake` nor holding a lock that `wake` takes.
class Watch {
 public:
  virtual ~Watch() = default;
  // Up to `most` events that are there now, in order. An empty answer arms `wake`: it is called once as soon as there
  // is something. `expired` is set when the watcher fell out of the ring (too slow); it then gets nothing any more.
  virtual std::vector<Event> poll(size_t most, bool& expired) = 0;
  // Everything up to this revision has been handed out (for bookmarks). Goes on with the store's revision while nothing
  // under the prefix happens.
  virtual Revision position() const = 0;
};

class Store {
 public:
  virtual ~Store() = default;

  // -- writes: decided at once (in the calling thread), acknowledged through `done` when durable -------------------
  virtual void create(std::string key, Render render, OnCommitted done) = 0;
  // `expected`: the entry's `modified` that the new bytes were made from.
  virtual void update(std::string key, Revision expected, Render render, OnCommitted done) = 0;
  // `render` gives the last state, with the removal's revision, that watchers get.
  virtual void remove(std::string key, Revision expected, Render render, OnCommitted done) = 0;

  // The newest state of a key, durable or not: what a compare-and-swap starts from. Null when missing.
  virtual EntryPtr newest(std::string_view key) const = 0;

  // -- reads: durable state only --------------------------------------------------------------------------------
  virtual EntryPtr get(std::string_view key) const = 0;  // null when missing
  virtual Revision revision() const = 0;                 // the newest durable one
  // Keys beginning with `prefix` that come after `after` ("" for the first), at most `limit` (0: all). `at` 0: now;
  // else the state at exactly that revision, rebuilt from the ring.
  virtual PageResult list(std::string_view prefix, std::string_view after, size_t limit, Revision at) const = 0;
  virtual size_t count(std::string_view prefix) const = 0;

  // Calls back with a durable revision >= `wanted` or false at the deadline: for resourceVersion "not older than".
  virtual bool waitForRevision(Revision wanted, int timeoutMillis) const = 0;

  // Events after `from` under `prefix` (0 is not special: 0 means from the beginning of time and is usually expired).
  // Null when `from` is older than the ring. `wake` may be empty; otherwise it must be quick (it delays commits).
  virtual std::unique_ptr<Watch> watch(std::string prefix, Revision from, std::function<void()> wake) = 0;
};

struct StoreOptions {
  std::string path;                           // of the database file; its directory must exist
  std::vector<std::string> volatilePrefixes;  // "/registry/events/", ...
  Indexer indexer;
  size_t ringEvents = 65536;    // events kept for watchers, at most
  size_t ringBytes = 64 << 20;  // ... and at most this many bytes of them
};

// A database that can't be used; what() tells the operator what is wrong and what to do.
struct OpenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Opens (or makes) the store on SQLite (WAL, synchronous=FULL). Throws OpenError: corrupt, newer version, locked by
// another process, not writable.
std::unique_ptr<Store> openSqliteStore(StoreOptions options);

// The same store without a file, for tests.
std::unique_ptr<Store> openMemoryStore(StoreOptions options);

}  // namespace wherry::storage
