// What the tables of the database are, and how those of a former version become this version's. docs/storage-format.md
// describes them.
//
// A new format is one line in kSteps of database_format.cc: the statements that make the former format into it. A new
// database is made as format 1 and goes the same way, so that there is one road to each format.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "storage/sqlite.h"

namespace wherry::storage {

using FormatStep = std::vector<const char*>;  // SQL; in one transaction with all other steps

// Makes the tables when there are none, and the newest format of an older one; the last format is 1 + the number of
// steps. Throws OpenError: another program's database, a newer version's, damaged. Throws sqlite::Error; then nothing
// was changed once the connection is closed.
void bringToFormat(sqlite::Connection& connection, const std::string& path, std::span<const FormatStep> steps);

// The same with the steps of this version.
void bringToFormat(sqlite::Connection& connection, const std::string& path);

}  // namespace wherry::storage
