// SortedEntries: a few dozen entries in key order, made for finding a key fast: what a node of a Table holds.
//
// Keys under one resource and namespace begin alike, and following a pointer to each key costs more than comparing it.
// So what all keys have in common is kept once, and of each key the eight bytes after that, as a number; only keys that
// agree in those are looked at.
//
// Safe to read from any thread, as long as nobody changes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/container/static_vector.hpp>

#include "storage/store.h"

namespace wherry::storage {

class SortedEntries {
 public:
  static constexpr size_t kCapacity = 64;

  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const EntryPtr& operator[](size_t place) const { return entries_[place]; }
  const EntryPtr& front() const { return entries_.front(); }

  size_t lowerBound(std::string_view key) const;     // the first place whose key is not less
  size_t upperBound(std::string_view key) const;     // the first place whose key is greater
  const EntryPtr* find(std::string_view key) const;  // null when missing

  // The caller keeps the order and the capacity.
  void insert(size_t place, EntryPtr entry);
  void set(size_t place, EntryPtr entry);
  void erase(size_t place);
  SortedEntries takeTail(size_t place);  // removes and returns what begins at `place`
  void append(const SortedEntries& tail);

 private:
  struct Range {
    size_t begin;
    size_t end;
  };
  Range headRange(uint64_t head) const;
  Range candidates(std::string_view key) const;
  void rebuild();

  // In place: one allocation a node, and few cache lines on the way to an entry.
  boost::container::static_vector<uint64_t, kCapacity>
      heads_;  // of each key: the eight bytes after `common_`, as a number
  boost::container::static_vector<EntryPtr, kCapacity> entries_;
  std::string common_;  // all keys begin with it
};

}  // namespace wherry::storage
