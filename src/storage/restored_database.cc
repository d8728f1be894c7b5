#include "storage/restored_database.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "storage/sqlite_engine.h"

namespace wherry::storage {

namespace {

constexpr Revision kLeastJump = 1'000'000'000;
constexpr Revision kJumpPerMilli = 100;
constexpr size_t kCommitBytes = 4 << 20;

}  // namespace

Revision markAfterRestore(const SnapshotEnd& end, base::WallTime now) {
  auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now - end.saved).count();
  return end.revision + kLeastJump + std::max<int64_t>(since, 0) * kJumpPerMilli;
}

RestoredDatabase::RestoredDatabase(const std::string& path) {
  if (std::filesystem::exists(path)) throw OpenError(fmt::format("{} is there already", path));
  engine_ = openSqliteEngine(path);
}

void RestoredDatabase::add(EntryPtr entry) {
  bytes_ += entry->key.size() + entry->bytes.size();
  Revision created = entry->created;
  changes_.push_back({std::move(entry), created});
  if (bytes_ < kCommitBytes) return;
  engine_->commit(changes_, std::nullopt);
  changes_.clear();
  bytes_ = 0;
}

void RestoredDatabase::finish(Revision mark) {
  engine_->commit(changes_, mark);
  engine_.reset();
}

}  // namespace wherry::storage
