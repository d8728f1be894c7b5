// Recorder: what of the store goes to the engine, and what happens when that fails.
//
// It leaves out volatile keys, keeps the high-water mark of revisions ahead of what is handed out, and after a failed
// commit makes the engine equal to the durable table again: memory is what clients were told, the disk follows it.
//
// Belongs to one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/engine.h"
#include "storage/store.h"
#include "storage/table.h"

namespace wherry::storage {

class Recorder {
 public:
  Recorder(std::unique_ptr<Engine> engine, std::vector<std::string> volatilePrefixes);

  // The state at open. Rows under volatile prefixes, of a time when these were not volatile, are removed.
  struct Loaded {
    Table table;
    Revision last = 0;  // no revision up to this one may be given again
  };
  Loaded load(const Indexer& indexer);

  // Makes the events durable (in order of revision, at least one). `durable` is the table before them. Touches the disk
  // only if it must. Throws EngineError or OpenError; then none of the events counts.
  void record(const std::vector<Event>& events, const Table& durable);

  // Whether the engine is other than `durable` for all that is known, since a commit failed; the next record() puts it
  // right, or retry() without anything to record. Throws as record() does.
  bool failed() const { return failed_; }
  void retry(const Table& durable);

  // Lowers the mark to what was used.
  void close(Revision last);

 private:
  bool isVolatile(std::string_view key) const;
  std::vector<Change> changesOf(const std::vector<Event>& events) const;
  std::vector<Change> repair(const Table& durable);

  std::unique_ptr<Engine> engine_;
  std::vector<std::string> volatilePrefixes_;
  Revision mark_ = 0;    // the high-water mark as it is on the disk
  bool failed_ = false;  // the last commit
};

}  // namespace wherry::storage
