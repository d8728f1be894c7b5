// The engine that stores rows in an SQLite database: write-ahead log, synchronous=FULL. docs/storage-format.md says
// what is in the file.
#pragma once

#include <memory>
#include <string>

#include "storage/engine.h"

namespace wherry::storage {

// `vfs`: the name of a registered SQLite VFS, "" for the default one. Throws OpenError.
std::unique_ptr<Engine> openSqliteEngine(const std::string& path, const std::string& vfs = "");

}  // namespace wherry::storage
