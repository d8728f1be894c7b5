#include "storage/table.h"

#include <atomic>
#include <vector>

#include "storage/sorted_entries.h"

namespace wherry::storage {

struct Table::Node {
  uint64_t edit = 0;              // of the editor that made it
  size_t count = 0;               // entries below
  SortedEntries entries;          // of a leaf: what it holds; else: the first entry below each child
  std::vector<NodePtr> children;  // none in a leaf

  bool leaf() const { return children.empty(); }
};

namespace {

using Node = Table::Node;
using NodePtr = Table::NodePtr;

constexpr size_t kMostInNode = SortedEntries::kCapacity - 1;  // one more may come in before it is split
constexpr size_t kMergeBelow = 16;                            // a node that shrank to fewer joins its neighbour

// The child that has `key`, if any has: the last one that begins at or before it.
size_t childOf(const Node& node, std::string_view key) {
  size_t after = node.entries.upperBound(key);
  return after == 0 ? 0 : after - 1;
}

void recount(Node& node) {
  node.count = node.entries.size();
  if (node.leaf()) return;
  node.count = 0;
  for (const NodePtr& child : node.children) node.count += child->count;
}

// The node in `slot`, as one that this edit may change.
Node& own(NodePtr& slot, uint64_t edit) {
  if (slot->edit != edit) {
    slot = std::make_shared<Node>(*slot);
    slot->edit = edit;
  }
  return *slot;
}

// Splits an overfull node; returns the right part. Keys that only ever grow leave full nodes behind, not half ones.
NodePtr split(Node& node, size_t grownAt, uint64_t edit) {
  size_t keep = grownAt + 1 == node.entries.size() ? node.entries.size() - 1 : node.entries.size() / 2;
  auto right = std::make_shared<Node>();
  right->edit = edit;
  right->entries = node.entries.takeTail(keep);
  if (!node.leaf()) {
    right->children.assign(node.children.begin() + keep, node.children.end());
    node.children.resize(keep);
  }
  recount(node);
  recount(*right);
  return right;
}

// What putting did to a node: where it grew, and the part that had to be split off.
struct Put {
  bool added = false;
  NodePtr right;
};

Put putInto(NodePtr& slot, EntryPtr entry, uint64_t edit);

Put putIntoLeaf(Node& leaf, EntryPtr entry, uint64_t edit) {
  size_t place = leaf.entries.lowerBound(entry->key);
  if (place < leaf.entries.size() && leaf.entries[place]->key == entry->key) {
    leaf.entries.set(place, std::move(entry));
    return {};
  }
  leaf.entries.insert(place, std::move(entry));
  ++leaf.count;
  if (leaf.entries.size() <= kMostInNode) return {true, nullptr};
  return {true, split(leaf, place, edit)};
}

Put putInto(NodePtr& slot, EntryPtr entry, uint64_t edit) {
  Node& node = own(slot, edit);
  if (node.leaf()) return putIntoLeaf(node, std::move(entry), edit);
  size_t place = childOf(node, entry->key);
  Put put = putInto(node.children[place], std::move(entry), edit);
  node.entries.set(place, node.children[place]->entries.front());
  node.count += put.added ? 1 : 0;
  if (!put.right) return put;
  node.entries.insert(place + 1, put.right->entries.front());
  node.children.insert(node.children.begin() + place + 1, std::move(put.right));
  if (node.children.size() <= kMostInNode) return {put.added, nullptr};
  return {put.added, split(node, place + 1, edit)};
}

// Joins the child at `place` with the one after it when both fit well into one node.
void joinWithNext(Node& parent, size_t place, uint64_t edit) {
  if (place + 1 >= parent.children.size()) return;
  NodePtr& next = parent.children[place + 1];
  if (parent.children[place]->entries.size() + next->entries.size() > kMostInNode * 3 / 4) return;
  Node& left = own(parent.children[place], edit);
  left.entries.append(next->entries);
  left.children.insert(left.children.end(), next->children.begin(), next->children.end());
  left.count += next->count;
  parent.children.erase(parent.children.begin() + place + 1);
  parent.entries.erase(place + 1);
}

// REQUIRES: the key is there.
void eraseFrom(NodePtr& slot, std::string_view key, uint64_t edit) {
  Node& node = own(slot, edit);
  --node.count;
  if (node.leaf()) {
    node.entries.erase(node.entries.lowerBound(key));
    return;
  }
  size_t place = childOf(node, key);
  eraseFrom(node.children[place], key, edit);
  size_t left = node.children[place]->entries.size();
  if (left == 0) {
    node.children.erase(node.children.begin() + place);
    node.entries.erase(place);
    return;
  }
  node.entries.set(place, node.children[place]->entries.front());
  if (left < kMergeBelow) joinWithNext(node, place, edit);
}

bool walkFrom(const Node& node, std::string_view from, const std::function<bool(const EntryPtr&)>& visit) {
  if (node.leaf()) {
    for (size_t i = node.entries.lowerBound(from); i < node.entries.size(); ++i) {
      if (!visit(node.entries[i])) return false;
    }
    return true;
  }
  for (size_t i = childOf(node, from); i < node.children.size(); ++i) {
    if (!walkFrom(*node.children[i], from, visit)) return false;
  }
  return true;
}

uint64_t nextEdit() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

}  // namespace

EntryPtr Table::find(std::string_view key) const {
  const Node* node = root_.get();
  if (!node) return nullptr;
  while (!node->leaf()) node = node->children[childOf(*node, key)].get();
  const EntryPtr* entry = node->entries.find(key);
  return entry ? *entry : nullptr;
}

size_t Table::size() const { return root_ ? root_->count : 0; }

size_t Table::countBefore(std::string_view key) const {
  const Node* node = root_.get();
  if (!node) return 0;
  size_t before = 0;
  while (!node->leaf()) {
    size_t place = childOf(*node, key);
    for (size_t i = 0; i < place; ++i) before += node->children[i]->count;
    node = node->children[place].get();
  }
  return before + node->entries.lowerBound(key);
}

size_t Table::countPrefix(std::string_view prefix) const {
  std::string end = prefixEnd(prefix);
  return (end.empty() ? size() : countBefore(end)) - countBefore(prefix);
}

void Table::walk(std::string_view from, const std::function<bool(const EntryPtr&)>& visit) const {
  if (root_) walkFrom(*root_, from, visit);
}

TableEditor::TableEditor(const Table& table) : root_(table.root_), edit_(nextEdit()) {}

void TableEditor::put(EntryPtr entry) {
  if (!root_) {
    root_ = std::make_shared<Node>();
    root_->edit = edit_;
  }
  NodePtr right = putInto(root_, std::move(entry), edit_).right;
  if (!right) return;
  auto root = std::make_shared<Node>();
  root->edit = edit_;
  root->entries.insert(0, root_->entries.front());
  root->entries.insert(1, right->entries.front());
  root->children = {std::move(root_), std::move(right)};
  recount(*root);
  root_ = std::move(root);
}

void TableEditor::erase(std::string_view key) {
  if (!Table(root_).find(key)) return;
  eraseFrom(root_, key, edit_);
  while (root_->children.size() == 1) root_ = NodePtr(root_->children.front());
  if (root_->entries.empty()) root_ = nullptr;
}

Table TableEditor::finish() { return Table(std::move(root_)); }

std::string prefixEnd(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

}  // namespace wherry::storage
