// A thin layer over SQLite: a connection and a statement that close themselves, and errors as exceptions.
//
// Not thread-safe: a Connection and its Statements belong to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace wherry::storage::sqlite {

// what(): what was done and SQLite's words, "COMMIT: disk I/O error". code: SQLite's extended result code.
struct Error : std::runtime_error {
  Error(const std::string& what, int resultCode) : std::runtime_error(what), code(resultCode) {}
  int primaryCode() const { return code & 0xff; }
  int code;
};

class Connection {
 public:
  // Opens an existing file for reading and writing, with synchronous=FULL. `vfs`: the name of a registered SQLite VFS,
  // "" for the default one.
  Connection(const std::string& path, const std::string& vfs);
  Connection(const Connection&) = delete;

  void run(const char* sql);        // one statement without parameters, ignoring results
  int64_t number(const char* sql);  // the first column of the first row; 0 when there is none

  // Moves pages from the write-ahead log into the database file, waiting for nobody. Whether that was all of them.
  bool checkpoint();
  // How many pages the log had after this connection's last commit.
  int logPages() const { return logPages_; }
  // Closing is to leave the log as it is, whatever it holds.
  void keepLogOnClose();

  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
  int logPages_ = 0;
};

class Statement {
 public:
  Statement(Connection& connection, const char* sql);

  // Parameters count from 1. Texts must live until run() is done.
  Statement& bind(int parameter, int64_t value);
  Statement& bindText(int parameter, std::string_view value);
  Statement& bindBytes(int parameter, std::string_view value);

  void run();   // to the end, ignoring results; ready to be bound anew
  bool step();  // to the next row; false when there is none

  // Columns count from 0. Bytes are valid until the next step().
  int64_t number(int column) const;
  std::string_view bytes(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  sqlite3* connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace wherry::storage::sqlite
