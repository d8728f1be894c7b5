// ObjectGraph: which objects there are and which own which, as small as it can be: no trees, only what garbage
// collection asks for (about 120 bytes an object). Not thread-safe; no clock, no socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "meta/gvk.h"
#include "meta/object.h"

namespace wherry::controllers {

// A uid in 16 bytes: the UUID itself, or a hash of a text that is none.
struct Uid {
  uint64_t high = 0;
  uint64_t low = 0;

  static Uid of(std::string_view text);
  std::string text() const;  // hexadecimal: a workqueue key, not what the API shows
  static Uid ofText(std::string_view hex);
  auto operator<=>(const Uid&) const = default;
};
struct UidHash {
  size_t operator()(const Uid& uid) const { return uid.high ^ (uid.low * 0x9e3779b97f4a7c15ULL); }
};

struct GraphOwner {
  Uid uid;
  bool blocksDeletion = false;  // ownerReferences[].blockOwnerDeletion
};

enum class Deletion : uint8_t {
  kNone,
  kRequested,   // has a deletionTimestamp
  kForeground,  // ... and waits for its dependents to go (finalizer foregroundDeletion)
  kOrphan,      // ... and waits for its dependents to be let go (finalizer orphan)
};

struct GraphNode {
  const meta::Resource* resource = nullptr;  // lives as long as the graph
  const std::string* ns = nullptr;           // the same
  std::string name;
  std::vector<GraphOwner> owners;
  Deletion deletion = Deletion::kNone;
};

class ObjectGraph {
 public:
  void put(const meta::Resource& resource, const meta::Object& object);
  // What was known of it; nothing when it was unknown.
  std::optional<GraphNode> remove(Uid uid);

  const GraphNode* find(Uid uid) const;  // null when unknown
  std::vector<Uid> dependentsOf(Uid owner) const;
  bool hasDependents(Uid owner) const { return dependents_.contains(owner); }
  std::vector<Uid> uidsOf(const meta::Resource& resource) const;
  std::vector<Uid> all() const;
  size_t size() const { return nodes_.size(); }

 private:
  void unlink(Uid uid, const GraphNode& node);

  std::set<meta::Resource> resources_;
  std::set<std::string, std::less<>> namespaces_;
  std::unordered_map<Uid, GraphNode, UidHash> nodes_;
  std::unordered_map<Uid, std::unordered_set<Uid, UidHash>, UidHash> dependents_;
};

}  // namespace wherry::controllers
