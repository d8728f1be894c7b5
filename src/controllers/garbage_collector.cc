#include "controllers/garbage_collector.h"

#include <algorithm>

#include "client/workqueue.h"
#include "controllers/object_feed.h"
#include "meta/finalizers.h"

namespace wherry::controllers {

namespace {

using meta::ObjectPtr;

struct Located {
  meta::Resource resource;
  std::string ns;
  std::string name;
};

class GarbageCollector : public Controller {
 public:
  explicit GarbageCollector(ControllerContext& context) : client_(context.client), feed_(sharedFeed(context)) {
    feed_->subscribe({.onPut = [this](Uid uid, const GraphNode& node) { put(uid, node); },
                      .onRemoved = [this](Uid uid, const GraphNode& last) { removed(uid, last); },
                      .onSynced = [this] { lookAtAll(); }});
  }
  ~GarbageCollector() override { feed_->stop(); }

  void start() override {
    feed_->start();
    loop_.emplace(queue_, [this](const std::string& uid) { reconcile(Uid::ofText(uid)); });
  }

 private:
  // -- the feed's thread: who has to be looked at ------------------------------------------------------------------

  void put(Uid uid, const GraphNode& node) {
    if (!synced_) return;
    feed_->withGraph([&](const ObjectGraph& graph) { look(uid, node, graph); });
  }

  // Only now does "no dependents" mean that there are none.
  void lookAtAll() {
    synced_ = true;
    feed_->withGraph([this](const ObjectGraph& graph) {
      for (const Uid uid : graph.all()) look(uid, *graph.find(uid), graph);
    });
  }

  void look(Uid uid, const GraphNode& node, const ObjectGraph& graph) {
    const bool waits = node.deletion == Deletion::kForeground || node.deletion == Deletion::kOrphan;
    if (waits || hasUnsoundOwner(node, graph)) queue_.add(uid.text());
  }

  // An owner that isn't known (gone, or not listed yet: a live look tells) or that waits for its dependents.
  static bool hasUnsoundOwner(const GraphNode& node, const ObjectGraph& graph) {
    return std::any_of(node.owners.begin(), node.owners.end(), [&](const GraphOwner& owner) {
      const auto* found = graph.find(owner.uid);
      return !found || found->deletion == Deletion::kForeground;
    });
  }

  void removed(Uid uid, const GraphNode& last) {
    for (const Uid dependent : dependentsOf(uid)) queue_.add(dependent.text());
    for (const auto& owner : last.owners) {
      if (deletionOf(owner.uid) == Deletion::kForeground) queue_.add(owner.uid.text());
    }
  }

  // -- the worker's thread -----------------------------------------------------------------------------------------

  void reconcile(Uid uid) {
    const auto place = locate(uid);
    if (!place) return;
    const auto object = findLive(*place);
    if (!object || Uid::of(object->metadata().uid()) != uid) return;
    switch (deletionOf(uid)) {
      case Deletion::kForeground:
        return finishForeground(*place, *object);
      case Deletion::kOrphan:
        return orphanDependents(*place, *object);
      case Deletion::kRequested:
        return;
      case Deletion::kNone:
        return collect(*place, *object);
    }
  }

  void collect(const Located& place, const meta::Object& object) {
    if (object.metadata().deleting()) return;
    std::vector<OwnerFinding> owners;
    for (const auto& reference : object.metadata().ownerReferences()) {
      owners.push_back({std::string(json::getString(reference, "uid")), stateOf(reference, place)});
    }
    const bool owns = feed_->withGraph(
        [uid = Uid::of(object.metadata().uid())](const ObjectGraph& graph) { return graph.hasDependents(uid); });
    const auto action = decideDependent(object, owners, owns ? Dependents::kSome : Dependents::kNone);
    if (action.kind == DependentAction::Kind::kDropOwners) {
      patch(place, withoutOwners(object, action.ownersToDrop));
    } else if (action.kind == DependentAction::Kind::kDelete) {
      remove(place, object, action.propagation);
    }
  }

  OwnerState stateOf(const json::Value& reference, const Located& dependent) {
    const auto version = meta::GroupVersion::parse(json::getString(reference, "apiVersion"));
    const auto kind =
        feed_->registry()->findKind({version.group, version.version, std::string(json::getString(reference, "kind"))});
    if (!kind) return OwnerState::kSolid;
    const bool namespaced = kind->resource.scope == meta::Scope::kNamespaced;
    if (namespaced && dependent.ns.empty()) return OwnerState::kSolid;
    const auto owner =
        findLive({kind->resource, namespaced ? dependent.ns : "", std::string(json::getString(reference, "name"))});
    if (!owner || owner->metadata().uid() != json::getString(reference, "uid")) return OwnerState::kDangling;
    const bool waits = owner->metadata().deleting() && owner->metadata().hasFinalizer("foregroundDeletion");
    return waits ? OwnerState::kWaiting : OwnerState::kSolid;
  }

  // Deletes what blocks the owner; once nothing does, lets the owner go.
  void finishForeground(const Located& place, const meta::Object& owner) {
    bool blocked = false;
    for (const Uid dependent : dependentsOf(Uid::of(owner.metadata().uid()))) {
      if (!blocks(dependent, owner)) continue;
      blocked = true;
      if (deletionOf(dependent) == Deletion::kNone) queue_.add(dependent.text());
    }
    if (!blocked) patch(place, meta::withoutFinalizer(owner, "foregroundDeletion"));
  }

  bool blocks(Uid dependent, const meta::Object& owner) const {
    return feed_->withGraph([&, uid = Uid::of(owner.metadata().uid())](const ObjectGraph& graph) {
      const auto* node = graph.find(dependent);
      if (!node) return false;
      for (const auto& reference : node->owners) {
        if (reference.uid == uid && reference.blocksDeletion) return true;
      }
      return false;
    });
  }

  void orphanDependents(const Located& place, const meta::Object& owner) {
    const std::string uid(owner.metadata().uid());
    for (const Uid dependent : dependentsOf(Uid::of(uid))) {
      const auto where = locate(dependent);
      const auto object = where ? findLive(*where) : nullptr;
      if (object) patch(*where, withoutOwners(*object, {uid}));
    }
    patch(place, meta::withoutFinalizer(owner, "orphan"));
  }

  std::optional<Located> locate(Uid uid) const {
    return feed_->withGraph([&](const ObjectGraph& graph) -> std::optional<Located> {
      const auto* node = graph.find(uid);
      if (!node) return std::nullopt;
      return Located{*node->resource, *node->ns, node->name};
    });
  }

  std::vector<Uid> dependentsOf(Uid uid) const {
    return feed_->withGraph([&](const ObjectGraph& graph) { return graph.dependentsOf(uid); });
  }

  Deletion deletionOf(Uid uid) const {
    return feed_->withGraph([&](const ObjectGraph& graph) {
      const auto* node = graph.find(uid);
      return node ? node->deletion : Deletion::kNone;
    });
  }

  ObjectPtr findLive(const Located& place) {
    try {
      return client_.get(place.resource, place.ns, place.name);
    } catch (const meta::StatusError& error) {
      if (error.isNotFound()) return nullptr;
      throw;
    }
  }

  void patch(const Located& place, const json::Value& patch) {
    try {
      client_.patch(place.resource, place.ns, place.name, client::PatchType::kMerge, patch);
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  void remove(const Located& place, const meta::Object& object, client::Propagation propagation) {
    try {
      client_.remove(place.resource, place.ns, place.name,
                     {.uid = std::string(object.metadata().uid()), .propagation = propagation});
    } catch (const meta::StatusError& error) {
      if (!error.isNotFound()) throw;
    }
  }

  client::Client& client_;
  std::shared_ptr<ObjectFeed> feed_;
  bool synced_ = false;  // the feed thread's own
  client::Workqueue queue_{"garbage-collector-controller"};
  std::optional<client::ReconcileLoop> loop_;
};

}  // namespace

std::unique_ptr<Controller> makeGarbageCollector(ControllerContext& context) {
  return std::make_unique<GarbageCollector>(context);
}

}  // namespace wherry::controllers
