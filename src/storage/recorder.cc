#include "storage/recorder.h"

#include <algorithm>
#include <unordered_map>

#include "base/log.h"

namespace wherry::storage {

namespace {

constexpr Revision kFirst = 1;           // of an empty store: clients read 0 as "any"
constexpr Revision kReserved = 100'000;  // revisions between two writes of the mark

const base::Log& log() {
  static const base::Log kLog("storage");
  return kLog;
}

EntryPtr entryOf(const Row& row, const Indexer& indexer) {
  auto entry = std::make_shared<Entry>();
  entry->key = row.key;
  entry->bytes = row.bytes;
  entry->created = row.created;
  entry->modified = row.modified;
  if (indexer) entry->index = indexer(entry->key, entry->bytes);
  return entry;
}

Change removalOf(Revision created) { return {nullptr, created}; }
Change putOf(const EntryPtr& entry) { return {entry, entry->created}; }

}  // namespace

Recorder::Recorder(std::unique_ptr<Engine> engine, std::vector<std::string> volatilePrefixes)
    : engine_(std::move(engine)), volatilePrefixes_(std::move(volatilePrefixes)) {}

Recorder::Loaded Recorder::load(const Indexer& indexer) {
  TableEditor editor{Table()};
  std::vector<Change> strays;
  Revision last = kFirst;
  mark_ = engine_->load([&](const Row& row) {
    last = std::max(last, row.modified);
    if (isVolatile(row.key)) {
      strays.push_back(removalOf(row.created));
    } else {
      editor.put(entryOf(row, indexer));
    }
  });
  if (!strays.empty()) engine_->commit(strays, std::nullopt);
  return {editor.finish(), std::max(last, mark_)};
}

void Recorder::record(const std::vector<Event>& events, const Table& durable) {
  std::vector<Change> changes = changesOf(events);
  std::optional<Revision> mark;
  if (Revision last = events.back().revision; last > mark_) mark = last + kReserved;
  if (changes.empty() && !mark) return;
  if (failed_) {
    std::vector<Change> all = repair(durable);
    std::move(changes.begin(), changes.end(), std::back_inserter(all));
    changes = std::move(all);
  }
  failed_ = true;
  engine_->commit(changes, mark);
  failed_ = false;
  mark_ = mark.value_or(mark_);
}

// The mark is written also when nothing has to be put right: whether that goes is the question.
void Recorder::retry(const Table& durable) {
  if (!failed_) return;
  std::vector<Change> changes = repair(durable);
  engine_->commit(changes, mark_);
  failed_ = false;
}

void Recorder::close(Revision last) {
  if (!failed_ && last < mark_) engine_->commit({}, last);
}

bool Recorder::isVolatile(std::string_view key) const {
  return std::any_of(volatilePrefixes_.begin(), volatilePrefixes_.end(),
                     [&](const std::string& prefix) { return key.starts_with(prefix); });
}

std::vector<Change> Recorder::changesOf(const std::vector<Event>& events) const {
  std::vector<Change> changes;
  for (const Event& event : events) {
    if (isVolatile(event.entry->key)) continue;
    bool removed = event.type == EventType::kDeleted;
    changes.push_back(removed ? removalOf(event.entry->created) : putOf(event.entry));
  }
  return changes;
}

// What makes the engine's rows those of `durable` again: a commit that was reported as failed may have reached the
// disk.
std::vector<Change> Recorder::repair(const Table& durable) {
  engine_->reopen();
  std::unordered_map<Revision, Revision> rows;  // created -> modified
  mark_ = std::max(mark_, engine_->load([&](const Row& row) { rows[row.created] = row.modified; }));
  std::vector<Change> changes;
  durable.walk("", [&](const EntryPtr& entry) {
    if (isVolatile(entry->key)) return true;
    auto row = rows.find(entry->created);
    if (row == rows.end() || row->second != entry->modified) changes.push_back(putOf(entry));
    if (row != rows.end()) rows.erase(row);
    return true;
  });
  for (const auto& [created, modified] : rows) changes.push_back(removalOf(created));
  log().warn("the database was reopened after a failed write, {} rows have to be put right", changes.size());
  return changes;
}

}  // namespace wherry::storage
