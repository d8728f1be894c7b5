#include "storage/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace wherry::storage::sqlite {

namespace {

constexpr int kBusyMillis = 5000;  // for an operator's own sqlite3 that holds the file for a moment

void check(sqlite3* handle, int result, std::string_view doing) {
  if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE) return;
  throw Error(fmt::format("{}: {}", doing, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(result)), result);
}

// SQLite's write-ahead log hook: stands in for automatic checkpoints, which would run within a commit.
int noteLogPages(void* logPages, sqlite3*, const char*, int pages) {
  *static_cast<int*>(logPages) = pages;
  return SQLITE_OK;
}

}  // namespace

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Connection::Connection(const std::string& path, const std::string& vfs) {
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int result = sqlite3_open_v2(path.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  handle_.reset(handle);
  check(handle, result, "open " + path);
  sqlite3_busy_timeout(handle, kBusyMillis);
  sqlite3_wal_hook(handle, noteLogPages, &logPages_);
  run("PRAGMA synchronous=FULL");
}

void Connection::run(const char* sql) { Statement(*this, sql).run(); }

int64_t Connection::number(const char* sql) {
  Statement statement(*this, sql);
  return statement.step() ? statement.number(0) : 0;
}

bool Connection::checkpoint() {
  int logPages = 0;
  int moved = 0;
  int result = sqlite3_wal_checkpoint_v2(handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &logPages, &moved);
  if ((result & 0xff) == SQLITE_BUSY) return false;
  check(handle(), result, "checkpoint");
  return moved == logPages;
}

void Connection::keepLogOnClose() { sqlite3_db_config(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr); }

Statement::Statement(Connection& connection, const char* sql) : connection_(connection.handle()) {
  sqlite3_stmt* statement = nullptr;
  int result = sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  check(connection_, result, sql);
}

Statement& Statement::bind(int parameter, int64_t value) {
  check(connection_, sqlite3_bind_int64(statement_.get(), parameter, value), "bind");
  return *this;
}

Statement& Statement::bindText(int parameter, std::string_view value) {
  int result = sqlite3_bind_text64(statement_.get(), parameter, value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
  check(connection_, result, "bind");
  return *this;
}

Statement& Statement::bindBytes(int parameter, std::string_view value) {
  int result = sqlite3_bind_blob64(statement_.get(), parameter, value.data(), value.size(), SQLITE_STATIC);
  check(connection_, result, "bind");
  return *this;
}

void Statement::run() {
  while (step()) {
  }
  sqlite3_reset(statement_.get());
}

bool Statement::step() {
  int result = sqlite3_step(statement_.get());
  check(connection_, result, sqlite3_sql(statement_.get()));
  return result == SQLITE_ROW;
}

int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  size_t size = sqlite3_column_bytes(statement_.get(), column);
  return data ? std::string_view(static_cast<const char*>(data), size) : std::string_view();
}

}  // namespace wherry::storage::sqlite
