// The database that a snapshot is restored into.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/engine.h"
#include "storage/snapshot.h"

namespace wherry::storage {

// The mark with which a store goes on that is restored at `now`. Whatever servers have given since the snapshot was
// saved, after a former restore of it too, is below: none gives 100 revisions in a millisecond for long, and a clock
// that is wrong still leaves a thousand million. Pure.
Revision markAfterRestore(const SnapshotEnd& end, base::WallTime now);

// Makes a database of entries, their bytes as they are. Not thread-safe.
class RestoredDatabase {
 public:
  // Throws OpenError when there is one already.
  explicit RestoredDatabase(const std::string& path);

  // Both throw EngineError.
  void add(EntryPtr entry);
  void finish(Revision mark);  // all is durable then, and no revision up to `mark` is ever given

 private:
  std::unique_ptr<Engine> engine_;
  std::vector<Change> changes_;  // since the last commit
  size_t bytes_ = 0;             // of them
};

}  // namespace wherry::storage
