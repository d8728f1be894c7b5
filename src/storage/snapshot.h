// Snapshot: the state of a store at one revision, and a few files that belong to it, as one file. It is written and
// read one record at a time, so that memory does not grow with it. A file that was cut short or altered by a single
// bit is told from a whole one at its end: until then nothing that was read may be relied on.
//
//   wherry snapshot 1\n
//   part NAME-SIZE CONTENT-SIZE SEALING\n NAME CONTENT \n                        any number
//   entry KEY-SIZE BYTES-SIZE SEALING CREATED MODIFIED\n KEY BYTES \n            any number
//   end REVISION SAVED RECORDS DIGEST\n                                          SAVED: milliseconds since 1970
//
// DIGEST begins as 32 zero bytes and becomes SHA-256(DIGEST SHA-256(record)) with each record, the first line and the
// rest of the last one among them; written in hex.
//
// Neither class is thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.h"
#include "storage/store.h"

namespace wherry::storage {

// How the bytes of a record are.
enum class Sealing {
  kPlain,
  kSealed,  // under a key of the server that saved them
  kUnread,  // under a key that it had not: it could not read them itself
};

struct SnapshotPart {
  std::string name;
  std::string content;
  Sealing sealing = Sealing::kPlain;
};

struct SnapshotEntry {
  EntryPtr entry;  // without index
  Sealing sealing = Sealing::kPlain;
};

struct SnapshotEnd {
  Revision revision = 0;
  base::WallTime saved;  // to the millisecond
};

// A file that is no whole snapshot; what() names it and says what is wrong.
struct SnapshotError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Writes beside `path` and moves it there in finish(): readable by its owner only, durably, whole or not at all. All
// throw std::system_error.
class SnapshotWriter {
 public:
  explicit SnapshotWriter(std::string path);
  ~SnapshotWriter();  // without finish() nothing is left

  void add(const SnapshotPart& part);
  void add(const Entry& entry, std::string_view bytes, Sealing sealing);  // `bytes` instead of the entry's own
  void finish(const SnapshotEnd& end);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All throw SnapshotError and std::system_error.
class SnapshotReader {
 public:
  explicit SnapshotReader(std::string path);
  ~SnapshotReader();

  using Record = std::variant<SnapshotPart, SnapshotEntry>;
  // Nothing after the last one; then the file is whole, and end() is what it says.
  std::optional<Record> next();
  const SnapshotEnd& end() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::storage
