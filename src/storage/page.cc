#include "storage/page.h"

#include <algorithm>

namespace wherry::storage {

namespace {

// Collects entries until the page is full.
class PageFiller {
 public:
  PageFiller(Page& page, size_t limit) : page_(page), limit_(limit) {}

  bool full() const { return limit_ != 0 && page_.entries.size() >= limit_; }
  void add(const EntryPtr& entry) {
    if (entry && !full()) page_.entries.push_back(entry);
  }

 private:
  Page& page_;
  size_t limit_;
};

// The first key that may be on the page: `after` with a NUL is the smallest text that sorts after it.
std::string firstKey(const PageRequest& request) {
  if (request.after < request.prefix) return std::string(request.prefix);
  return std::string(request.after) + '\0';
}

// How many keys there are from `from` on, in the earlier state.
size_t countFrom(const Table& table, const Undo& undo, std::string_view prefix, std::string_view from) {
  std::string end = prefixEnd(prefix);
  size_t upTo = end.empty() ? table.size() : table.countBefore(end);
  size_t count = upTo - std::min(upTo, table.countBefore(from));
  for (auto change = undo.lower_bound(from); change != undo.end(); ++change) {
    bool now = table.find(change->first) != nullptr;
    bool then = change->second != nullptr;
    count = count + (then ? 1 : 0) - (now ? 1 : 0);
  }
  return count;
}

}  // namespace

void addUndo(Undo& undo, const Event& event) { undo.try_emplace(event.entry->key, event.previous); }

Page makePage(const Table& table, const Undo& undo, const PageRequest& request) {
  Page page;
  PageFiller filler(page, request.limit);
  std::string first = firstKey(request);
  auto change = undo.lower_bound(first);
  table.walk(first, [&](const EntryPtr& entry) {
    if (!entry->key.starts_with(request.prefix)) return false;
    for (; change != undo.end() && change->first < entry->key; ++change) filler.add(change->second);
    if (change != undo.end() && change->first == entry->key) {
      filler.add(change->second);
      ++change;
    } else {
      filler.add(entry);
    }
    return !filler.full();
  });
  for (; change != undo.end(); ++change) filler.add(change->second);
  if (filler.full()) page.remaining = countFrom(table, undo, request.prefix, page.entries.back()->key + '\0');
  page.more = page.remaining > 0;
  return page;
}

}  // namespace wherry::storage
