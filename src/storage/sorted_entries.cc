#include "storage/sorted_entries.h"

#include <algorithm>

namespace wherry::storage {

namespace {

// Orders as the texts do; texts that agree in it may still differ.
uint64_t headOf(std::string_view text) {
  uint64_t head = 0;
  for (size_t i = 0; i < sizeof head; ++i) head = head << 8 | (i < text.size() ? static_cast<uint8_t>(text[i]) : 0);
  return head;
}

size_t commonLength(std::string_view a, std::string_view b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin();
}

}  // namespace

// The places whose head is `head`.
SortedEntries::Range SortedEntries::headRange(uint64_t head) const {
  size_t begin = std::lower_bound(heads_.begin(), heads_.end(), head) - heads_.begin();
  size_t end = begin;
  while (end < size() && heads_[end] == head) ++end;
  return {begin, end};
}

// Where the bound must be: everything before sorts before `key`, everything after sorts after it.
SortedEntries::Range SortedEntries::candidates(std::string_view key) const {
  int order = key.substr(0, common_.size()).compare(common_);
  if (order != 0) return order < 0 ? Range{0, 0} : Range{size(), size()};
  return headRange(headOf(key.substr(common_.size())));
}

// Compares the whole key at the end, so that what is common needs no look.
const EntryPtr* SortedEntries::find(std::string_view key) const {
  if (key.size() < common_.size()) return nullptr;
  auto [begin, end] = headRange(headOf(key.substr(common_.size())));
  for (size_t place = begin; place < end; ++place) {
    if (entries_[place]->key == key) return &entries_[place];
  }
  return nullptr;
}

size_t SortedEntries::lowerBound(std::string_view key) const {
  auto [begin, end] = candidates(key);
  auto less = [](const EntryPtr& entry, std::string_view text) { return entry->key < text; };
  return std::lower_bound(entries_.begin() + begin, entries_.begin() + end, key, less) - entries_.begin();
}

size_t SortedEntries::upperBound(std::string_view key) const {
  auto [begin, end] = candidates(key);
  auto less = [](std::string_view text, const EntryPtr& entry) { return text < entry->key; };
  return std::upper_bound(entries_.begin() + begin, entries_.begin() + end, key, less) - entries_.begin();
}

void SortedEntries::insert(size_t place, EntryPtr entry) {
  std::string_view key = entry->key;
  entries_.insert(entries_.begin() + place, std::move(entry));
  if (size() == 1 || !key.starts_with(common_)) return rebuild();
  heads_.insert(heads_.begin() + place, headOf(key.substr(common_.size())));
}

void SortedEntries::set(size_t place, EntryPtr entry) {
  std::string_view key = entry->key;
  entries_[place] = std::move(entry);
  if (!key.starts_with(common_)) return rebuild();
  heads_[place] = headOf(key.substr(common_.size()));
}

void SortedEntries::erase(size_t place) {
  entries_.erase(entries_.begin() + place);
  heads_.erase(heads_.begin() + place);
}

SortedEntries SortedEntries::takeTail(size_t place) {
  SortedEntries tail;
  tail.entries_.assign(entries_.begin() + place, entries_.end());
  entries_.resize(place);
  tail.rebuild();
  rebuild();
  return tail;
}

void SortedEntries::append(const SortedEntries& tail) {
  entries_.insert(entries_.end(), tail.entries_.begin(), tail.entries_.end());
  rebuild();
}

// The first and the last key have in common what all have.
void SortedEntries::rebuild() {
  heads_.clear();
  if (empty()) return;
  const std::string& first = entries_.front()->key;
  common_ = first.substr(0, commonLength(first, entries_.back()->key));
  for (const EntryPtr& entry : entries_) {
    heads_.push_back(headOf(std::string_view(entry->key).substr(common_.size())));
  }
}

}  // namespace wherry::storage
