#include "storage/database_format.h"

#include <fmt/format.h>

#include "base/log.h"
#include "storage/database_file.h"

namespace wherry::storage {

namespace {

// Of format i + 1, format i + 2. None yet.
const std::vector<FormatStep> kSteps;

constexpr int64_t kApplicationId = 0x57485259;  // "WHRY"

// A row is found by its revision of creation: no two have the same, and new rows come at the end of the one B-tree
// there is.
constexpr const char* kFirstFormat[] = {
    "PRAGMA application_id=0x57485259",
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    ("CREATE TABLE entries(created INTEGER PRIMARY KEY, modified INTEGER NOT NULL, sum INTEGER NOT NULL, "
     "key TEXT NOT NULL, bytes BLOB NOT NULL)"),
    "INSERT INTO meta VALUES('format', 1)",
};

bool isNew(sqlite::Connection& connection) { return connection.number("SELECT count(*) FROM sqlite_schema") == 0; }

void makeFirstFormat(sqlite::Connection& connection) {
  connection.run("BEGIN IMMEDIATE");
  for (const char* sql : kFirstFormat) connection.run(sql);
  connection.run("COMMIT");
}

int64_t readFormat(sqlite::Connection& connection, const std::string& path, int64_t newest) {
  if (connection.number("PRAGMA application_id") != kApplicationId) {
    throw OpenError(fmt::format("{} is a database of another program: name another file", path));
  }
  int64_t format = connection.number("SELECT value FROM meta WHERE name='format'");
  if (format < 1) throw damagedDatabase(path, "it does not say its format");
  if (format <= newest) return format;
  throw OpenError(
      fmt::format("{} was written by a newer version (its format is {}, this version reads {}): install that "
                  "version again, or restore a backup of before",
                  path, format, newest));
}

}  // namespace

void bringToFormat(sqlite::Connection& connection, const std::string& path, std::span<const FormatStep> steps) {
  if (isNew(connection)) makeFirstFormat(connection);
  int64_t newest = 1 + static_cast<int64_t>(steps.size());
  int64_t format = readFormat(connection, path, newest);
  if (format == newest) return;
  connection.run("BEGIN IMMEDIATE");
  for (const FormatStep& step : steps.subspan(static_cast<size_t>(format - 1))) {
    for (const char* sql : step) connection.run(sql);
  }
  sqlite::Statement(connection, "UPDATE meta SET value=? WHERE name='format'").bind(1, newest).run();
  connection.run("COMMIT");
  base::Log("storage").info("{} was of format {} and is now of format {}: former versions don't read it", path, format,
                            newest);
}

void bringToFormat(sqlite::Connection& connection, const std::string& path) { bringToFormat(connection, path, kSteps); }

}  // namespace wherry::storage
