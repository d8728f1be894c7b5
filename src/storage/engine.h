// Engine: where the store's rows survive a restart. The store holds all rows in memory and asks the engine only to read
// everything (at open) and to commit changes; it never looks a key up here.
//
// Not thread-safe: one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.h"

namespace wherry::storage {

// A row as it is read. The texts are valid only during the call that hands them over.
struct Row {
  std::string_view key;
  std::string_view bytes;
  Revision created = 0;  // no two rows have the same
  Revision modified = 0;
};

// A row to be written, or removed.
struct Change {
  EntryPtr put;          // null: remove
  Revision created = 0;  // which row
};

// Why a commit failed: "database or disk is full". It is not known whether the changes reached the disk.
struct EngineError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Hands over every row, in any order. Returns the high-water mark, 0 when there is none yet. Throws OpenError when
  // the content can't be trusted.
  virtual Revision load(const std::function<void(const Row&)>& take) = 0;

  // Makes all changes durable, or none; the later of two changes to a row wins. `highWater` is recorded with them.
  // Throws EngineError; then nothing but reopen() may be called.
  virtual void commit(const std::vector<Change>& changes, std::optional<Revision> highWater) = 0;

  // Lets go of what failed and begins anew from what is on the disk: a handle whose fsync failed once can't be trusted
  // with another try. Throws OpenError; may be called again.
  virtual void reopen() = 0;
};

std::unique_ptr<Engine> openMemoryEngine();

// The store on an engine of the caller's. Throws OpenError.
std::unique_ptr<Store> openStore(StoreOptions options, std::unique_ptr<Engine> engine);

}  // namespace wherry::storage
