#include "client/informer.h"

#include <condition_variable>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <unordered_map>

#include "base/guarded.h"
#include "base/strings.h"
#include "client/reflector.h"

namespace wherry::client {

namespace {

using meta::ObjectKey;
using meta::ObjectPtr;

// The objects of one resource and the ways to find them. Not thread-safe.
class Cache {
 public:
  // What was there under the same key; null when nothing was.
  ObjectPtr put(const ObjectPtr& object) {
    ObjectPtr& place = objects_[object->key()];
    ObjectPtr before = std::move(place);
    place = object;
    for (auto& [name, index] : indexes_) {
      if (before) index.remove(before);
      index.insert(object);
    }
    return before;
  }

  ObjectPtr remove(const ObjectKey& key) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) return nullptr;
    ObjectPtr before = std::move(found->second);
    objects_.erase(found);
    for (auto& [name, index] : indexes_) index.remove(before);
    return before;
  }

  void addIndex(std::string name, IndexFunction keysOf) {
    const auto [index, isNew] = indexes_.try_emplace(std::move(name), Index{std::move(keysOf), {}});
    if (!isNew) return;
    for (const auto& [key, object] : objects_) index->second.insert(object);
  }

  ObjectPtr get(const ObjectKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }

  std::vector<ObjectPtr> list(std::string_view ns) const {
    std::vector<ObjectPtr> listed;
    auto at = ns.empty() ? objects_.begin() : objects_.lower_bound({std::string(ns), ""});
    for (; at != objects_.end() && (ns.empty() || at->first.ns == ns); ++at) listed.push_back(at->second);
    return listed;
  }

  std::vector<ObjectPtr> byIndex(std::string_view name, std::string_view key) const {
    const auto index = indexes_.find(name);
    if (index == indexes_.end()) return {};
    const auto found = index->second.objects.find(key);
    if (found == index->second.objects.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

  std::vector<ObjectKey> keysNotIn(const std::set<ObjectKey>& kept) const {
    std::vector<ObjectKey> others;
    for (const auto& [key, object] : objects_) {
      if (!kept.contains(key)) others.push_back(key);
    }
    return others;
  }

 private:
  struct Index {
    IndexFunction keysOf;
    std::unordered_map<std::string, std::set<ObjectPtr>, base::StringHash, std::equal_to<>> objects;

    void insert(const ObjectPtr& object) {
      for (auto& key : keysOf(*object)) objects[std::move(key)].insert(object);
    }
    void remove(const ObjectPtr& object) {
      for (const auto& key : keysOf(*object)) {
        const auto found = objects.find(key);
        if (found == objects.end()) continue;
        found->second.erase(object);
        if (found->second.empty()) objects.erase(found);
      }
    }
  };

  std::map<ObjectKey, ObjectPtr> objects_;
  std::map<std::string, Index, std::less<>> indexes_;
};

struct Change {
  ObjectPtr before;
  ObjectPtr after;
};

class ReflectedInformer : public Informer {
 public:
  ReflectedInformer(Reflector& reflector, meta::Resource resource, ListOptions options)
      : reflector_(reflector), resource_(std::move(resource)), options_(std::move(options)) {}

  void start() {
    if (started_) return;
    started_ = true;
    reflector_.follow(resource_, options_,
                      {.onList = [this](ObjectList all) { replace(all); },
                       .onEvent = [this](const WatchEvent& event) { apply(event); },
                       .onRevision = [this](int64_t revision) { tellRevision(revision); }});
  }

  void addHandler(InformerHandler handler) override {
    reflector_.post([this, handler = std::move(handler)]() mutable { join(std::move(handler)); });
  }

  void addIndex(std::string name, IndexFunction keysOf) override {
    cache_.write([&](Contents& contents) { contents.objects.addIndex(std::move(name), std::move(keysOf)); });
  }

  ObjectPtr get(std::string_view ns, std::string_view name) const override {
    return get(ObjectKey{std::string(ns), std::string(name)});
  }
  ObjectPtr get(const ObjectKey& key) const override {
    return cache_.read([&](const Contents& contents) { return contents.objects.get(key); });
  }
  std::vector<ObjectPtr> list(std::string_view ns) const override {
    return cache_.read([&](const Contents& contents) { return contents.objects.list(ns); });
  }
  std::vector<ObjectPtr> byIndex(std::string_view index, std::string_view key) const override {
    return cache_.read([&](const Contents& contents) { return contents.objects.byIndex(index, key); });
  }
  int64_t revision() const override {
    return cache_.read([](const Contents& contents) { return contents.revision; });
  }

  bool synced() const override {
    std::lock_guard lock(syncedMutex_);
    return synced_;
  }
  bool waitSynced(std::stop_token stop) const override {
    std::unique_lock lock(syncedMutex_);
    return syncedChanged_.wait(lock, stop, [&] { return synced_; });
  }

 private:
  struct Contents {
    Cache objects;
    int64_t revision = 0;
  };

  void replace(const ObjectList& all) {
    std::vector<Change> changes;
    cache_.write([&](Contents& contents) {
      std::set<ObjectKey> kept;
      for (const auto& object : all.items) {
        kept.insert(object->key());
        changes.push_back({contents.objects.put(object), object});
      }
      for (const auto& key : contents.objects.keysNotIn(kept))
        changes.push_back({contents.objects.remove(key), nullptr});
      contents.revision = all.revision;
    });
    for (const auto& change : changes) {
      if (!change.before || !change.after || change.before->revision() != change.after->revision()) tell(change);
    }
    setSynced();
    for (const auto& handler : handlers_) {
      if (handler.onSynced) handler.onSynced();
    }
  }

  void apply(const WatchEvent& event) {
    Change change;
    cache_.write([&](Contents& contents) {
      contents.revision = std::max(contents.revision, event.revision);
      if (event.type == EventType::kDeleted) {
        change.before = contents.objects.remove(event.object->key());
      } else {
        change = {contents.objects.put(event.object), event.object};
      }
    });
    if (change.before || change.after) tell(change);
  }

  void tell(const Change& change) {
    for (const auto& handler : handlers_) {
      if (handler.onChange) handler.onChange(change.before, change.after);
    }
  }

  void tellRevision(int64_t revision) {
    cache_.write([&](Contents& contents) { contents.revision = std::max(contents.revision, revision); });
    for (const auto& handler : handlers_) {
      if (handler.onRevision) handler.onRevision(revision);
    }
  }

  void join(InformerHandler handler) {
    if (synced()) {
      if (handler.onChange) {
        for (const auto& object : list({})) handler.onChange(nullptr, object);
      }
      if (handler.onSynced) handler.onSynced();
      if (handler.onRevision) handler.onRevision(revision());
    }
    handlers_.push_back(std::move(handler));
  }

  void setSynced() {
    std::lock_guard lock(syncedMutex_);
    synced_ = true;
    syncedChanged_.notify_all();
  }

  Reflector& reflector_;
  meta::Resource resource_;
  ListOptions options_;
  bool started_ = false;
  std::vector<InformerHandler> handlers_;  // the reflector thread's own
  base::SharedGuarded<Contents> cache_;
  mutable std::mutex syncedMutex_;
  mutable std::condition_variable_any syncedChanged_;
  bool synced_ = false;
};

}  // namespace

struct InformerFactory::State {
  using Informers = std::map<std::pair<meta::Resource, std::string>, std::unique_ptr<ReflectedInformer>>;

  // The informers outlive the thread that calls into them.
  base::Guarded<Informers> informers;
  Reflector reflector;

  explicit State(Client& client) : reflector(client) {}
};

InformerFactory::InformerFactory(Client& client) : state_(std::make_unique<State>(client)) {}
InformerFactory::~InformerFactory() = default;

Informer& InformerFactory::informer(const meta::Resource& resource, std::string_view fieldSelector) {
  return *state_->informers.with([&](State::Informers& informers) {
    auto& informer = informers[{resource, std::string(fieldSelector)}];
    if (!informer) {
      informer = std::make_unique<ReflectedInformer>(state_->reflector, resource,
                                                     ListOptions{.fieldSelector = std::string(fieldSelector)});
    }
    return informer.get();
  });
}

void InformerFactory::start() {
  state_->informers.with([](State::Informers& informers) {
    for (auto& [key, informer] : informers) informer->start();
  });
}

bool InformerFactory::waitSynced(std::stop_token stop) {
  std::vector<const Informer*> all;
  state_->informers.with([&](State::Informers& informers) {
    for (auto& [key, informer] : informers) all.push_back(informer.get());
  });
  for (const auto* informer : all) {
    if (!informer->waitSynced(stop)) return false;
  }
  return true;
}

void InformerFactory::stop() { state_->reflector.stop(); }

}  // namespace wherry::client
