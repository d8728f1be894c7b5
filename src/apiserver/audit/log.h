// The audit log: lines, written by a thread of its own, to a file that is rotated or to stdout. Bounded: who writes a
// line never waits, and what the disk is too slow for is dropped and counted. Safe from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace wherry::apiserver::audit {

struct LogOptions {
  std::string path;            // "-": stdout
  int maxSizeMegabytes = 100;  // of a file, before it is put aside
  int maxBackups = 0;          // files put aside that are kept; 0: all
  int maxAgeDays = 0;          // how long; 0: for ever
};

class Log {
 public:
  virtual ~Log() = default;  // writes what is waiting
  // False when too much waits already.
  virtual bool write(std::string line) = 0;
};

// Throws std::system_error when the file can't be opened.
std::unique_ptr<Log> openLog(LogOptions options);

}  // namespace wherry::apiserver::audit
