// The database file as a file: its lock, its permissions, and what stands in the way of using it, in the operator's
// words.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "storage/store.h"

namespace wherry::storage {

// Takes the lock beside `path` (path.lock, held until the descriptor closes, by this process alone) and makes the file
// when there is none, readable by its owner only. Throws OpenError: no directory, not writable, another process has the
// lock.
base::Fd claimDatabaseFile(const std::string& path);

// What to throw for a file whose content can't be trusted.
OpenError damagedDatabase(const std::string& path, std::string_view why);

// Writes the bytes of the write-ahead log of `path` once more and syncs them. After a failed fsync the kernel holds
// pages to be clean that never reached the disk: only new writes make it try again. Throws std::system_error.
void rewriteLog(const std::string& path);

}  // namespace wherry::storage
