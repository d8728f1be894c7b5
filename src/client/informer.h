// Informer: a component's live copy of a resource, kept by list and watch (reflector.h). InformerFactory hands one
// informer per resource to everybody in the process, so that an object is parsed and kept once; one thread follows them
// all.
//
//   InformerFactory informers(client);
//   Informer& pods = informers.informer(core_v1::Pod::kResource());
//   pods.addHandler({.onChange = [&](const ObjectPtr& before, const ObjectPtr& after) { queue.add(after->key()); }});
//   informers.start();
//
// Handlers are called on the factory's thread, in the order of revisions, never two at a time; they enqueue or publish,
// they do not work. A handler added after the start is first told of everything that is there already. `before` is null
// for what is new, `after` null for what is gone. Reads are safe from any thread and see at least what the handlers
// were told.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "meta/gvk.h"
#include "meta/object.h"

namespace wherry::client {

struct InformerHandler {
  std::function<void(const meta::ObjectPtr& before, const meta::ObjectPtr& after)> onChange;
  // After the first list (and after each relist) has been handed over: the cache is whole.
  std::function<void()> onSynced;
  // After every batch of changes: the cache and all handlers have seen everything up to this revision.
  std::function<void(int64_t revision)> onRevision;
};

// Says under which keys an object can be found again ("the pods of this node", "the slices of this service").
using IndexFunction = std::function<std::vector<std::string>(const meta::Object&)>;

class Informer {
 public:
  virtual ~Informer() = default;
  virtual void addHandler(InformerHandler handler) = 0;
  virtual void addIndex(std::string name, IndexFunction keysOf) = 0;  // the same name twice is fine: the first stays

  virtual meta::ObjectPtr get(std::string_view ns, std::string_view name) const = 0;  // null when missing
  virtual meta::ObjectPtr get(const meta::ObjectKey& key) const = 0;
  virtual std::vector<meta::ObjectPtr> list(std::string_view ns = {}) const = 0;  // "" is all namespaces
  virtual std::vector<meta::ObjectPtr> byIndex(std::string_view index, std::string_view key) const = 0;
  // The cache has everything up to this revision; 0 before the first list. See own_writes.h.
  virtual int64_t revision() const = 0;
  virtual bool synced() const = 0;
  // Blocks until the first list is in, or stop is requested (false).
  virtual bool waitSynced(std::stop_token stop) const = 0;
};

class InformerFactory {
 public:
  explicit InformerFactory(Client& client);
  ~InformerFactory();  // stops
  InformerFactory(const InformerFactory&) = delete;
  InformerFactory& operator=(const InformerFactory&) = delete;

  // The one informer of this resource (all namespaces); `fieldSelector` narrows it (a node's own pods) and makes it
  // another.
  Informer& informer(const meta::Resource& resource, std::string_view fieldSelector = {});
  void start();                           // those made since the last start()
  bool waitSynced(std::stop_token stop);  // all
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wherry::client
