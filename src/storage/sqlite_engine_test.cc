// The database file: what survives, and what an operator is told when it can't be used.
#include "storage/sqlite_engine.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <semaphore>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "base/guarded.h"
#include "storage/refusal.h"
#include "storage/sqlite.h"
#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

using testing::HasSubstr;

std::unique_ptr<Store> openAt(const std::string& path, const std::string& vfs = "") {
  return openStore({.path = path, .volatilePrefixes = {"/registry/events/"}}, openSqliteEngine(path, vfs));
}

std::string openErrorOf(const std::string& path) {
  try {
    openAt(path);
  } catch (const OpenError& error) {
    return error.what();
  }
  return "opened";
}

// Runs SQL on a database that no store has open.
void runSql(const std::string& path, const char* sql) { sqlite::Connection(path, "").run(sql); }

std::vector<std::string> contentOf(const Store& store) { return bytesOf(store.list("/", "", 0, 0).page); }

TEST(SqliteEngine, WhatWasWrittenIsThereAfterReopening) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  {
    auto store = openAt(path);
    create(*store, "/registry/pods/a", std::string("with\0zero", 9));  // 2
    create(*store, "/registry/pods/b");                                // 3
    create(*store, "/registry/pods/c");                                // 4
    create(*store, "/registry/events/e");                              // 5
    update(*store, "/registry/pods/b", 3);                             // 6
    remove(*store, "/registry/pods/c", 4);                             // 7
  }
  auto store = openAt(path);
  EXPECT_THAT(contentOf(*store), testing::ElementsAre(std::string("with\0zero@2", 11), "changed@6"));
  EXPECT_EQ(store->revision(), 7);
  EXPECT_EQ(store->get("/registry/pods/b")->created, 3);
  EXPECT_EQ(create(*store, "/registry/pods/c").entry->modified, 8);
}

TEST(SqliteEngine, TheFilesAreTheOwnersOnly) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  auto store = openAt(path);
  create(*store, "/registry/secrets/a");
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) {
    struct stat status {};
    ASSERT_EQ(::stat((path + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST(SqliteEngine, OnlyOneStoreOpensAFile) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  auto store = openAt(path);
  EXPECT_THAT(openErrorOf(path), HasSubstr(fmt::format("in use by process {}: only one server", ::getpid())));
  store.reset();
  EXPECT_EQ(openErrorOf(path), "opened");
}

TEST(SqliteEngine, TellsWhatIsWrongWithAFileThatCannotBeUsed) {
  struct Case {
    const char* name;
    std::function<void(const std::string& path)> harm;
    const char* error;
  } cases[] = {
      {"no database at all", [](const std::string& path) { std::ofstream(path) << std::string(5000, 'x'); },
       "damaged (PRAGMA"},
      {"another program's database", [](const std::string& path) { runSql(path, "PRAGMA application_id=1"); },
       "is a database of another program"},
      {"a newer format", [](const std::string& path) { runSql(path, "UPDATE meta SET value=2 WHERE name='format'"); },
       "was written by a newer version (its format is 2, this version reads 1): install that version again"},
      {"a byte changed in a row", [](const std::string& path) { runSql(path, "UPDATE entries SET bytes='nex@2'"); },
       "damaged (row 2 has a wrong checksum)"},
      {"cut short", [](const std::string& path) { std::filesystem::resize_file(path, 9000); }, "damaged ("},
      {"a page of garbage in the middle",
       [](const std::string& path) {
         std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
         file.seekp(8192);
         file << std::string(4096, 'x');
       },
       "damaged ("},
  };
  for (const Case& one : cases) {
    TemporaryDirectory directory;
    std::string path = directory.file("state.db");
    create(*openAt(path), "/registry/pods/a");
    one.harm(path);
    EXPECT_THAT(openErrorOf(path), HasSubstr(one.error)) << one.name;
  }
}

TEST(SqliteEngine, TellsWhatIsWrongWithThePlace) {
  TemporaryDirectory directory;
  EXPECT_THAT(openErrorOf(directory.file("missing/state.db")), HasSubstr("/missing does not exist: make it"));
  std::filesystem::create_directory(directory.file("state.db"));
  EXPECT_THAT(openErrorOf(directory.file("state.db")), HasSubstr("it must be a file that this user may write"));
}

TEST(SqliteEngine, AStoreThatWasOnlyOpenedCanBeOpenedAgain) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(openAt(path)->revision(), 1);
}

TEST(SqliteEngine, TheLogDoesNotGrowWithoutEnd) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  std::counting_semaphore<> room{64};  // outlives the store, which still calls back when it ends
  auto store = openAt(path);
  for (int i = 0; i < 600; ++i) {
    room.acquire();
    store->create(
        fmt::format("/registry/pods/{}", i), [](Revision) { return std::string(200'000, 'x'); },
        [&](const Committed&) { room.release(); });
  }
  EXPECT_LT(std::filesystem::file_size(path + "-wal"), 80u << 20) << "120 MB were written";
}

// -- a disk that fails on demand: SQLite's own VFS, but for two calls -------------------------------------------------

std::atomic<int> writeResult{SQLITE_OK};
std::atomic<bool> writesHalf{false};  // of what it is given, before it fails
std::atomic<int> syncResult{SQLITE_OK};

// The methods of an open file, two of them replaced; SQLite knows the first member only.
struct Methods {
  sqlite3_io_methods methods;
  const sqlite3_io_methods* real;
};

const sqlite3_io_methods& realMethodsOf(sqlite3_file* file) {
  return *reinterpret_cast<const Methods*>(file->pMethods)->real;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (writeResult == SQLITE_OK) return realMethodsOf(file).xWrite(file, data, size, offset);
  if (writesHalf) realMethodsOf(file).xWrite(file, data, size / 2, offset);
  return writeResult;
}
int sync(sqlite3_file* file, int flags) {
  return syncResult != SQLITE_OK ? syncResult.load() : realMethodsOf(file).xSync(file, flags);
}

// Files of different kinds have different methods.
const sqlite3_io_methods* replaced(const sqlite3_io_methods* real) {
  static base::Guarded<std::map<const sqlite3_io_methods*, Methods>> known;
  return known.with([&](auto& map) {
    auto [found, isNew] = map.try_emplace(real, Methods{*real, real});
    found->second.methods.xWrite = write;
    found->second.methods.xSync = sync;
    return &found->second.methods;
  });
}

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* outFlags) {
  auto* real = static_cast<sqlite3_vfs*>(vfs->pAppData);
  int result = real->xOpen(real, name, file, flags, outFlags);
  if (file->pMethods) file->pMethods = replaced(file->pMethods);
  return result;
}

const char* failingVfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs copy = *sqlite3_vfs_find(nullptr);
    copy.zName = "failing";
    copy.pAppData = sqlite3_vfs_find(nullptr);
    copy.xOpen = open;
    return copy;
  }();
  sqlite3_vfs_register(&vfs, 0);
  return vfs.zName;
}

// A fault lasts from one call to the other.
struct Fault {
  const char* name;
  std::function<void(const std::string& path)> begin;
  std::function<void()> end;
  const char* message;
};

// Another program that writes to the database: SQLite's own locks are all that it knows.
std::unique_ptr<sqlite::Connection> intruder;

std::vector<Fault> faults() {
  auto failing = [](std::atomic<int>& result, int failure) {
    return [&result, failure](const std::string&) { result = failure; };
  };
  auto whole = [] { writeResult = syncResult = SQLITE_OK, writesHalf = false; };
  return {
      {"the disk is full", failing(writeResult, SQLITE_FULL), whole, "disk is full"},
      {"writing fails", failing(writeResult, SQLITE_IOERR_WRITE), whole, "disk I/O error"},
      {"writing fails in the middle of a page",
       [](const std::string&) { writesHalf = true, writeResult = SQLITE_IOERR_WRITE; }, whole, "disk I/O error"},
      {"the disk is full in the middle of a page",
       [](const std::string&) { writesHalf = true, writeResult = SQLITE_FULL; }, whole, "disk is full"},
      {"the file system was made read-only", failing(writeResult, SQLITE_READONLY), whole, "readonly database"},
      {"fsync fails", failing(syncResult, SQLITE_IOERR_FSYNC), whole, "disk I/O error"},
      {"another program holds the database's lock",
       [](const std::string& path) {
         intruder = std::make_unique<sqlite::Connection>(path, "");
         intruder->run("BEGIN IMMEDIATE");
       },
       [] { intruder.reset(); }, "database is locked"},
  };
}

TEST(SqliteEngine, AWriteThatTheDiskRefusesIsRefusedAndTheNextOneIsTriedAnew) {
  for (const Fault& one : faults()) {
    SCOPED_TRACE(one.name);
    TemporaryDirectory directory;
    std::string path = directory.file("state.db");
    auto store = openAt(path, failingVfs());
    create(*store, "/registry/pods/a");
    auto watch = store->watch("/registry/", store->revision(), nullptr);
    one.begin(path);
    for (int i = 0; i < 3; ++i) {
      Committed refused = update(*store, "/registry/pods/a", 2);
      EXPECT_EQ(refused.error, WriteError::kRefused);
      EXPECT_THAT(refused.message, HasSubstr(one.message));
      EXPECT_EQ(store->get("/registry/pods/a")->bytes, "new@2") << "reads go on";
    }
    EXPECT_TRUE(create(*store, "/registry/events/e").ok()) << "what is not written to disk goes on";
    one.end();
    Committed updated = update(*store, "/registry/pods/a", 2, "at last");
    ASSERT_TRUE(updated.ok()) << updated.message;
    bool expired = false;
    auto events = watch->poll(10, expired);
    ASSERT_EQ(events.size(), 2u) << "watches go on, and see nothing of what was refused";
    EXPECT_EQ(events[0].entry->key, "/registry/events/e");
    EXPECT_EQ(events[1].entry->bytes, updated.entry->bytes);
    store.reset();
    EXPECT_THAT(contentOf(*openAt(path)), testing::ElementsAre(updated.entry->bytes));
  }
}

// Asks as a probe does.
bool recovers(Store& store) {
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!refusalOf(store).empty()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

TEST(SqliteEngine, WhoAsksLearnsThatWritesAreRefusedAndThatTheyAreNotAnyMore) {
  for (const Fault& one : faults()) {
    SCOPED_TRACE(one.name);
    TemporaryDirectory directory;
    std::string path = directory.file("state.db");
    auto store = openAt(path, failingVfs());
    create(*store, "/registry/pods/a");
    EXPECT_EQ(refusalOf(*store), "");
    one.begin(path);
    update(*store, "/registry/pods/a", 2);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(refusalOf(*store), HasSubstr(one.message));
    EXPECT_TRUE(create(*store, "/registry/events/e").ok());
    EXPECT_NE(refusalOf(*store), "") << "an event is in memory only: it proves nothing";
    one.end();
    EXPECT_TRUE(recovers(*store)) << refusalOf(*store);
    EXPECT_TRUE(create(*store, "/registry/pods/b").ok());
    one.begin(path);
    create(*store, "/registry/pods/c");
    EXPECT_NE(refusalOf(*store), "");
    one.end();
    EXPECT_TRUE(create(*store, "/registry/pods/c").ok());
    EXPECT_EQ(refusalOf(*store), "") << "a write that is taken is an answer too";
    store.reset();
    EXPECT_EQ(openAt(path)->count("/registry/pods/"), 3u);
  }
}

TEST(SqliteEngine, ACheckpointThatFailsLosesNothing) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  const std::string large(1 << 20, 'x');
  {
    auto store = openAt(path, failingVfs());
    for (int i = 0; i < 40; ++i) create(*store, fmt::format("/registry/pods/{}", i), large);
    syncResult = SQLITE_IOERR_FSYNC;
    update(*store, "/registry/pods/0", 2);
    syncResult = SQLITE_OK;
    for (int i = 40; i < 80; ++i) create(*store, fmt::format("/registry/pods/{}", i), large);
  }
  EXPECT_EQ(openAt(path)->count("/registry/pods/"), 80u);
}

}  // namespace
}  // namespace wherry::storage
