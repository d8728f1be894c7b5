// Table: an immutable ordered map from key to entry, and the editor that makes the next one out of it.
//
// A B-tree whose nodes are shared between versions: copying a Table copies one pointer, an edit copies only the nodes
// on the way to what it changes. So a reader may walk its version for as long as it likes, however many keys that is,
// and holds up nobody. Nodes know how many entries are below them: counting a range costs no walk.
//
// A Table is safe to read from any thread. A TableEditor belongs to one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/store.h"

namespace wherry::storage {

class Table {
 public:
  struct Node;  // known to table.cc only
  using NodePtr = std::shared_ptr<Node>;

  Table() = default;

  EntryPtr find(std::string_view key) const;  // null when missing
  size_t size() const;
  size_t countBefore(std::string_view key) const;     // keys < `key`
  size_t countPrefix(std::string_view prefix) const;  // keys that begin with it
  // Visits entries in key order, beginning with the first key >= `from`, until `visit` returns false.
  void walk(std::string_view from, const std::function<bool(const EntryPtr&)>& visit) const;

 private:
  friend class TableEditor;
  explicit Table(NodePtr root) : root_(std::move(root)) {}

  NodePtr root_;  // null when empty
};

// Makes a new version. The table it began with stays as it is.
class TableEditor {
 public:
  explicit TableEditor(const Table& table);

  void put(EntryPtr entry);          // inserts, or replaces the entry of the same key
  void erase(std::string_view key);  // nothing happens when it is missing
  Table finish();                    // the new version; the editor is spent

 private:
  Table::NodePtr root_;
  uint64_t edit_;  // marks the nodes that this editor made and may still change
};

// The smallest text after all that begin with `prefix`; "" when there is none (nothing sorts after 0xff...).
std::string prefixEnd(std::string_view prefix);

}  // namespace wherry::storage
