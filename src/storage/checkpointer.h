// Checkpointer: moves the write-ahead log into the database file, beside the commits instead of within one.
//
// It acts when the log has grown, never by the clock. A log that is written to all the while can't be emptied from the
// side: the last few pages are moved by the committer itself.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "storage/sqlite.h"

namespace wherry::storage {

class Checkpointer {
 public:
  // Opens a connection of its own. Throws sqlite::Error.
  Checkpointer(const std::string& path, const std::string& vfs);

  // To be called after each commit on `committing`, in that connection's thread. Throws nothing: what can't be moved
  // now is moved later, nothing is lost.
  void committed(sqlite::Connection& committing);

  // Closing is to leave the log as it is. Waits for what is under way.
  void keepLogOnClose();

 private:
  enum class Phase { kIdle, kAsked, kDone };

  void loop(const std::stop_token& stop);
  void move(sqlite::Connection& connection);

  sqlite::Connection connection_;
  int startAt_;  // pages in the log
  std::mutex mutex_;
  std::condition_variable_any asked_;
  Phase phase_ = Phase::kIdle;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace wherry::storage
