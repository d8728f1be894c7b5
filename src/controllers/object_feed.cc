#include "controllers/object_feed.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "client/reflector.h"
#include "views/apiextensions_v1.h"

namespace wherry::controllers {

namespace {

using meta::ObjectPtr;
using meta::Resource;

bool isDeletable(const schema::Kind& kind) {
  const bool storedAsIs = kind.resource.version == kind.storageVersion && kind.storageGroup == kind.resource.group;
  return !kind.virtualKind && storedAsIs && kind.hasVerb("list") && kind.hasVerb("watch") && kind.hasVerb("delete");
}

// Nobody owns Events, and there may be very many.
bool isFollowed(const Resource& resource) { return resource.resource != "events"; }

std::set<Resource> followedResources(const schema::Registry& registry) {
  std::set<Resource> followed;
  for (auto& resource : deletableResources(registry)) {
    if (isFollowed(resource)) followed.insert(std::move(resource));
  }
  return followed;
}

}  // namespace

std::vector<Resource> deletableResources(const schema::Registry& registry) {
  std::vector<Resource> resources;
  for (const auto& kind : registry.kinds()) {
    if (isDeletable(*kind)) resources.push_back(kind->resource);
  }
  return resources;
}

struct ObjectFeed::State {
  base::Guarded<ObjectGraph>& graph;
  client::Informer& crds;
  base::Guarded<schema::RegistryPtr> registry{schema::builtinRegistry()};
  std::vector<FeedSubscriber> subscribers;
  bool started = false;

  std::set<Resource> unsynced;  // the feed thread's own, once started

  std::mutex followMutex;  // start and changes of the CustomResourceDefinitions
  std::map<Resource, client::Reflector::Id> followed;
  client::Reflector reflector;  // last: its thread uses all of the above

  State(client::Client& client, client::InformerFactory& informers, base::Guarded<ObjectGraph>& graphToKeep)
      : graph(graphToKeep),
        crds(informers.informer(apiextensions_v1::CustomResourceDefinition::kResource())),
        reflector(client) {}

  void put(const Resource& resource, const meta::Object& object) {
    const Uid uid = Uid::of(object.metadata().uid());
    const GraphNode node = graph.with([&](ObjectGraph& nodes) {
      nodes.put(resource, object);
      return *nodes.find(uid);
    });
    for (const auto& subscriber : subscribers) subscriber.onPut(uid, node);
  }

  void remove(Uid uid) {
    const auto last = graph.with([&](ObjectGraph& nodes) { return nodes.remove(uid); });
    if (!last) return;
    for (const auto& subscriber : subscribers) subscriber.onRemoved(uid, *last);
  }

  void replace(const Resource& resource, const client::ObjectList& all) {
    std::set<Uid> kept;
    for (const auto& object : all.items) {
      kept.insert(Uid::of(object->metadata().uid()));
      put(resource, *object);
    }
    for (const Uid uid : graph.with([&](const ObjectGraph& nodes) { return nodes.uidsOf(resource); })) {
      if (!kept.contains(uid)) remove(uid);
    }
    if (unsynced.erase(resource) == 0 || !unsynced.empty()) return;
    for (const auto& subscriber : subscribers) {
      if (subscriber.onSynced) subscriber.onSynced();
    }
  }

  client::Follower followerOf(const Resource& resource) {
    return {.onList = [this, resource](const client::ObjectList& all) { replace(resource, all); },
            .onEvent =
                [this, resource](const client::WatchEvent& event) {
                  if (event.type == client::EventType::kDeleted) {
                    remove(Uid::of(event.object->metadata().uid()));
                  } else {
                    put(resource, *event.object);
                  }
                },
            .onRevision = {}};
  }

  // Follows what the registry has and no more.
  void followRegistry(const std::set<Resource>& wanted) {
    std::lock_guard lock(followMutex);
    for (auto at = followed.begin(); at != followed.end();) {
      if (wanted.contains(at->first)) {
        ++at;
        continue;
      }
      reflector.unfollow(at->second);
      for (const Uid uid : graph.with([&](const ObjectGraph& nodes) { return nodes.uidsOf(at->first); })) remove(uid);
      at = followed.erase(at);
    }
    for (const auto& resource : wanted) {
      if (!followed.contains(resource))
        followed.emplace(resource, reflector.follow(resource, {}, followerOf(resource)));
    }
  }

  void readCrds() {
    std::vector<json::Value> definitions;
    for (const auto& crd : crds.list()) definitions.push_back(crd->tree());
    auto custom = schema::withCustomKinds(schema::builtinRegistry(), definitions);
    const auto wanted = followedResources(*custom);
    registry.with([&](schema::RegistryPtr& current) { current = std::move(custom); });
    followRegistry(wanted);
  }
};

ObjectFeed::ObjectFeed(client::Client& client, client::InformerFactory& informers)
    : state_(std::make_unique<State>(client, informers, graph_)) {}

ObjectFeed::~ObjectFeed() { stop(); }

void ObjectFeed::subscribe(FeedSubscriber subscriber) { state_->subscribers.push_back(std::move(subscriber)); }

void ObjectFeed::start() {
  if (std::exchange(state_->started, true)) return;
  const auto builtin = followedResources(*schema::builtinRegistry());
  state_->unsynced = builtin;
  state_->followRegistry(builtin);
  state_->crds.addHandler(
      {.onChange = [state = state_.get()](const ObjectPtr&, const ObjectPtr&) { state->readCrds(); },
       .onSynced = {},
       .onRevision = {}});
}

void ObjectFeed::stop() { state_->reflector.stop(); }

std::shared_ptr<ObjectFeed> sharedFeed(ControllerContext& context) {
  if (!context.feed) context.feed = std::make_shared<ObjectFeed>(context.client, context.informers);
  return context.feed;
}

schema::RegistryPtr ObjectFeed::registry() const { return state_->registry.copy(); }

}  // namespace wherry::controllers
