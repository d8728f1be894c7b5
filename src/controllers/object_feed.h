// ObjectFeed: follows every kind of object that can be deleted, built-in and custom, and keeps the ObjectGraph of them.
// What it was told is dropped but for that: no trees are kept. One thread follows all kinds.
//
// Safe from any thread. Subscribers are called on the feed's thread, after the graph was changed; they must be quick.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/guarded.h"
#include "client/client.h"
#include "client/informer.h"
#include "controllers/controller.h"
#include "controllers/object_graph.h"
#include "schema/kind.h"

namespace wherry::controllers {

// The stored resources of a registry that can be listed, watched and deleted, each once (in the version it is stored
// in).
std::vector<meta::Resource> deletableResources(const schema::Registry& registry);

struct FeedSubscriber {
  std::function<void(Uid uid, const GraphNode& node)> onPut;
  std::function<void(Uid uid, const GraphNode& last)> onRemoved;
  std::function<void()> onSynced;  // once, when every built-in kind has been listed; may be empty
};

class ObjectFeed {
 public:
  // Custom kinds are learned from the CustomResourceDefinitions that `informers` follows.
  ObjectFeed(client::Client& client, client::InformerFactory& informers);
  ~ObjectFeed();

  void subscribe(FeedSubscriber subscriber);  // before start
  void start();                               // again is fine
  void stop();                                // no subscriber is called after this; for good

  schema::RegistryPtr registry() const;
  // Calls f(const ObjectGraph&) with the graph locked.
  template <typename F>
  auto withGraph(F&& f) const {
    return graph_.with(std::forward<F>(f));
  }

 private:
  struct State;
  base::Guarded<ObjectGraph> graph_;
  std::unique_ptr<State> state_;
};

// The feed that this context's controllers share, made when the first of them asks.
std::shared_ptr<ObjectFeed> sharedFeed(ControllerContext& context);

}  // namespace wherry::controllers
