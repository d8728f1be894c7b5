// A database of a former version opens, one of a newer version says so.
#include "storage/database_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fd.h"
#include "storage/sqlite_engine.h"
#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Fabricated: what formats 2 and 3 could be.
const std::vector<FormatStep> kSteps = {
    {"ALTER TABLE entries ADD COLUMN note TEXT", "UPDATE entries SET note=key"},
    {"INSERT INTO meta VALUES('third', 3)"},
};

void bring(const std::string& path, std::span<const FormatStep> steps) {
  sqlite::Connection connection(path, "");
  bringToFormat(connection, path, steps);
}

int64_t number(const std::string& path, const char* sql) { return sqlite::Connection(path, "").number(sql); }

std::string openErrorOf(const std::function<void()>& open) {
  try {
    open();
  } catch (const OpenError& error) {
    return error.what();
  }
  return "opened";
}

TEST(DatabaseFormat, GoesThroughAllStepsThatItLacks) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  create(*openSqliteStore({.path = path}), "/registry/pods/a");
  bring(path, std::span(kSteps).first(1));
  EXPECT_EQ(number(path, "SELECT value FROM meta WHERE name='format'"), 2);
  EXPECT_EQ(number(path, "SELECT count(*) FROM entries WHERE note='/registry/pods/a'"), 1);
  bring(path, kSteps);
  EXPECT_EQ(number(path, "SELECT value FROM meta WHERE name='format'"), 3);
  EXPECT_EQ(number(path, "SELECT value FROM meta WHERE name='third'"), 3);
  bring(path, kSteps);  // nothing is left to be done: a step that ran twice would fail
}

TEST(DatabaseFormat, ANewDatabaseGoesTheSameWay) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  base::writeFileAtomic(path, "");
  bring(path, kSteps);
  EXPECT_EQ(number(path, "SELECT value FROM meta WHERE name='format'"), 3);
  EXPECT_EQ(number(path, "SELECT count(*) FROM pragma_table_info('entries') WHERE name='note'"), 1);
}

TEST(DatabaseFormat, AStepThatFailsChangesNothing) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  create(*openSqliteStore({.path = path}), "/registry/pods/a");
  const std::vector<FormatStep> broken = {kSteps[0], {"INSERT INTO nowhere VALUES(1)"}};
  EXPECT_THROW(bring(path, broken), sqlite::Error);
  auto store = openSqliteStore({.path = path});
  EXPECT_THAT(bytesOf(store->list("/", "", 0, 0).page), ElementsAre("new@2"));
}

TEST(DatabaseFormat, ANewerOneOrNoneIsRefusedInWords) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  create(*openSqliteStore({.path = path}), "/registry/pods/a");
  bring(path, kSteps);
  EXPECT_EQ(openErrorOf([&] { bring(path, std::span(kSteps).first(1)); }),
            path +
                " was written by a newer version (its format is 3, this version reads 2): install that version "
                "again, or restore a backup of before");
  EXPECT_THAT(openErrorOf([&] { openSqliteStore({.path = path}); }),
              HasSubstr("its format is 3, this version reads 1"));
  sqlite::Connection(path, "").run("DELETE FROM meta WHERE name='format'");
  EXPECT_THAT(openErrorOf([&] { bring(path, kSteps); }), HasSubstr("damaged (it does not say its format)"));
}

// A database as the first version wrote it, checksums included. Every later version has to open it.
constexpr const char* kFirstFormat[] = {
    "PRAGMA application_id=0x57485259",
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE entries(created INTEGER PRIMARY KEY, modified INTEGER NOT NULL, sum INTEGER NOT NULL, "
    "key TEXT NOT NULL, bytes BLOB NOT NULL)",
    "INSERT INTO meta VALUES('format', 1)",
    "INSERT INTO meta VALUES('highWater', 100002)",
    "INSERT INTO entries VALUES(2, 4, -7355744199744094979, '/registry/configmaps/default/a', "
    "CAST('{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"4\"}}' AS BLOB))",
    "INSERT INTO entries VALUES(3, 3, 8785322970905003852, '/registry/pods/default/b', CAST('{}' AS BLOB))",
};

TEST(DatabaseFormat, OneOfTheFirstVersionOpens) {
  TemporaryDirectory directory;
  std::string path = directory.file("state.db");
  base::writeFileAtomic(path, "", 0600);
  {
    sqlite::Connection connection(path, "");
    for (const char* sql : kFirstFormat) connection.run(sql);
  }
  auto store = openSqliteStore({.path = path});
  EXPECT_THAT(bytesOf(store->list("/", "", 0, 0).page),
              ElementsAre(R"({"metadata":{"name":"a","resourceVersion":"4"}})", "{}"));
  EXPECT_EQ(store->get("/registry/configmaps/default/a")->modified, 4);
  EXPECT_EQ(create(*store, "/registry/pods/default/c").entry->modified, 100'003);
}

}  // namespace
}  // namespace wherry::storage
