#include "storage/sqlite_engine.h"

#include <system_error>

#include <fmt/format.h>
#include <sqlite3.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "storage/checkpointer.h"
#include "storage/database_file.h"
#include "storage/database_format.h"
#include "storage/sqlite.h"

namespace wherry::storage {

namespace {

// Tells a row that was changed on the disk from one that we wrote; SQLite checks the log only.
int64_t sumOf(const Row& row) {
  uint64_t numbers = static_cast<uint64_t>(row.created) * 0x9e3779b97f4a7c15U + static_cast<uint64_t>(row.modified);
  return static_cast<int64_t>(base::fnv1a64(row.bytes) ^ (base::fnv1a64(row.key) * 31 + numbers));
}

OpenError openErrorOf(const std::string& path, const sqlite::Error& error) {
  switch (error.primaryCode()) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return damagedDatabase(path, error.what());
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return OpenError(fmt::format("{} is in use by another program ({}): close that first", path, error.what()));
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return OpenError(
          fmt::format("{} can't be written ({}): look at the permissions of the file and its directory, and "
                      "whether the file system is mounted for writing",
                      path, error.what()));
    case SQLITE_FULL:
      return OpenError(fmt::format("{}: the disk is full ({}): make room", path, error.what()));
    default:
      return OpenError(fmt::format("{} can't be used: {}", path, error.what()));
  }
}

// Everything that is open while the database is in use; goes as a whole when a write failed.
struct Session {
  Session(const std::string& path, const std::string& vfs)
      : connection(path, vfs), prepared(prepare(connection, path)), checkpointer(path, vfs) {}

  void abandon() {
    connection.keepLogOnClose();
    checkpointer.keepLogOnClose();
  }

  sqlite::Connection connection;
  struct Prepared {
    sqlite::Statement begin, commit, put, remove, mark;
  } prepared;
  Checkpointer checkpointer;

 private:
  static Prepared prepare(sqlite::Connection& connection, const std::string& path) {
    connection.run("PRAGMA journal_mode=WAL");
    bringToFormat(connection, path);
    return {{connection, "BEGIN IMMEDIATE"},
            {connection, "COMMIT"},
            {connection, "INSERT OR REPLACE INTO entries(created, modified, sum, key, bytes) VALUES(?, ?, ?, ?, ?)"},
            {connection, "DELETE FROM entries WHERE created=?"},
            {connection, "INSERT OR REPLACE INTO meta VALUES('highWater', ?)"}};
  }
};

class SqliteEngine : public Engine {
 public:
  SqliteEngine(std::string path, std::string vfs)
      : path_(std::move(path)), vfs_(std::move(vfs)), lock_(claimDatabaseFile(path_)) {
    open();
  }

  Revision load(const std::function<void(const Row&)>& take) override;
  void commit(const std::vector<Change>& changes, std::optional<Revision> highWater) override;
  void reopen() override;

 private:
  void open();
  void apply(const Change& change);

  std::string path_;
  std::string vfs_;
  base::Fd lock_;
  std::unique_ptr<Session> session_;  // null after a reopen that failed
  bool lostWrites_ = false;           // an I/O error: the log may be other on the disk than in the kernel's memory
};

void SqliteEngine::open() {
  try {
    session_ = std::make_unique<Session>(path_, vfs_);
  } catch (const sqlite::Error& error) {
    throw openErrorOf(path_, error);
  }
}

Revision SqliteEngine::load(const std::function<void(const Row&)>& take) {
  try {
    sqlite::Statement rows(session_->connection, "SELECT created, modified, sum, key, bytes FROM entries");
    while (rows.step()) {
      Row row{rows.bytes(3), rows.bytes(4), rows.number(0), rows.number(1)};
      if (rows.number(2) != sumOf(row))
        throw damagedDatabase(path_, fmt::format("row {} has a wrong checksum", row.created));
      take(row);
    }
    return session_->connection.number("SELECT value FROM meta WHERE name='highWater'");
  } catch (const sqlite::Error& error) {
    throw openErrorOf(path_, error);
  }
}

void SqliteEngine::apply(const Change& change) {
  if (!change.put) {
    session_->prepared.remove.bind(1, change.created).run();
    return;
  }
  const Entry& entry = *change.put;
  session_->prepared.put.bind(1, entry.created)
      .bind(2, entry.modified)
      .bind(3, sumOf({entry.key, entry.bytes, entry.created, entry.modified}))
      .bindText(4, entry.key)
      .bindBytes(5, entry.bytes)
      .run();
}

void SqliteEngine::commit(const std::vector<Change>& changes, std::optional<Revision> highWater) {
  try {
    session_->prepared.begin.run();
    for (const Change& change : changes) apply(change);
    if (highWater) session_->prepared.mark.bind(1, *highWater).run();
    session_->prepared.commit.run();
  } catch (const sqlite::Error& error) {
    lostWrites_ = lostWrites_ || error.primaryCode() == SQLITE_IOERR;
    throw EngineError(error.what());
  }
  session_->checkpointer.committed(session_->connection);
}

void SqliteEngine::reopen() {
  if (session_) session_->abandon();
  session_.reset();
  try {
    if (lostWrites_) rewriteLog(path_);
  } catch (const std::system_error& error) {
    throw OpenError(error.what());
  }
  lostWrites_ = false;
  open();
}

}  // namespace

std::unique_ptr<Engine> openSqliteEngine(const std::string& path, const std::string& vfs) {
  return std::make_unique<SqliteEngine>(path, vfs);
}

std::unique_ptr<Store> openSqliteStore(StoreOptions options) {
  auto engine = openSqliteEngine(options.path);
  return openStore(std::move(options), std::move(engine));
}

}  // namespace wherry::storage
