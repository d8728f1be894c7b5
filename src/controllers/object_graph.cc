#include "controllers/object_graph.h"

#include <charconv>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"

namespace wherry::controllers {

namespace {

std::optional<uint64_t> parseHex(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Deletion deletionOf(const meta::Metadata& metadata) {
  if (!metadata.deleting()) return Deletion::kNone;
  if (metadata.hasFinalizer("foregroundDeletion")) return Deletion::kForeground;
  if (metadata.hasFinalizer("orphan")) return Deletion::kOrphan;
  return Deletion::kRequested;
}

std::vector<GraphOwner> ownersOf(const meta::Metadata& metadata) {
  std::vector<GraphOwner> owners;
  for (const auto& reference : metadata.ownerReferences()) {
    owners.push_back({Uid::of(json::getString(reference, "uid")), json::getBool(reference, "blockOwnerDeletion")});
  }
  return owners;
}

}  // namespace

Uid Uid::of(std::string_view text) {
  constexpr size_t kUuidLength = 36;
  if (text.size() == kUuidLength) {
    const std::string digits = base::replaceAll(text, "-", "");
    if (digits.size() == 32) {
      const auto high = parseHex(std::string_view(digits).substr(0, 16));
      const auto low = parseHex(std::string_view(digits).substr(16));
      if (high && low) return {*high, *low};
    }
  }
  return {base::fnv1a64(text), text.size()};
}

std::string Uid::text() const { return fmt::format("{:016x}{:016x}", high, low); }

Uid Uid::ofText(std::string_view hex) {
  if (hex.size() != 32) return {};
  return {parseHex(hex.substr(0, 16)).value_or(0), parseHex(hex.substr(16)).value_or(0)};
}

void ObjectGraph::put(const meta::Resource& resource, const meta::Object& object) {
  const auto metadata = object.metadata();
  const Uid uid = Uid::of(metadata.uid());
  GraphNode& node = nodes_[uid];
  if (node.resource == nullptr) {
    node.resource = &*resources_.insert(resource).first;
    node.ns = &*namespaces_.insert(std::string(metadata.ns())).first;
    node.name = metadata.name();
  } else {
    unlink(uid, node);
  }
  node.owners = ownersOf(metadata);
  node.deletion = deletionOf(metadata);
  for (const auto& owner : node.owners) dependents_[owner.uid].insert(uid);
}

std::optional<GraphNode> ObjectGraph::remove(Uid uid) {
  const auto found = nodes_.find(uid);
  if (found == nodes_.end()) return std::nullopt;
  GraphNode node = std::move(found->second);
  nodes_.erase(found);
  unlink(uid, node);
  return node;
}

const GraphNode* ObjectGraph::find(Uid uid) const {
  const auto found = nodes_.find(uid);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<Uid> ObjectGraph::dependentsOf(Uid owner) const {
  const auto found = dependents_.find(owner);
  if (found == dependents_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

std::vector<Uid> ObjectGraph::uidsOf(const meta::Resource& resource) const {
  std::vector<Uid> uids;
  for (const auto& [uid, node] : nodes_) {
    if (*node.resource == resource) uids.push_back(uid);
  }
  return uids;
}

std::vector<Uid> ObjectGraph::all() const {
  std::vector<Uid> uids;
  for (const auto& [uid, node] : nodes_) uids.push_back(uid);
  return uids;
}

void ObjectGraph::unlink(Uid uid, const GraphNode& node) {
  for (const auto& owner : node.owners) {
    const auto found = dependents_.find(owner.uid);
    if (found == dependents_.end()) continue;
    found->second.erase(uid);
    if (found->second.empty()) dependents_.erase(found);
  }
}

}  // namespace wherry::controllers
