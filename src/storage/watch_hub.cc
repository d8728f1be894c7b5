#include "storage/watch_hub.h"

#include <algorithm>
#include <unordered_map>

#include "base/strings.h"

namespace wherry::storage {

// Guarded by the hub's lock, but for `wake`, which has its own: it is called with no other lock held.
struct Watcher {
  std::string prefix;
  Revision from = 0;
  Revision position = 0;  // what has been handed out; not kept up to date while caughtUp
  bool caughtUp = false;  // nothing under the prefix is waiting
  bool armed = false;     // and the last poll said so: wake
  base::Guarded<std::function<void()>> wake;
};

namespace {

using WatcherPtr = std::shared_ptr<Watcher>;

constexpr size_t kEventsPerLock = 4096;  // looked at before the lock is let go

// Tells a watch about a new event; whether it has to be woken.
bool notice(Watcher& watcher, const Event& event) {
  if (!watcher.caughtUp || event.revision <= watcher.from || !event.entry->key.starts_with(watcher.prefix))
    return false;
  watcher.caughtUp = false;
  watcher.position = event.revision - 1;
  return std::exchange(watcher.armed, false);
}

void callWake(Watcher& watcher) {
  watcher.wake.with([](const std::function<void()>& wake) {
    if (wake) wake();
  });
}

}  // namespace

struct WatchHub::State {
  using Watchers = std::unordered_map<std::string, std::vector<WatcherPtr>, base::StringHash, std::equal_to<>>;

  State(EventRing events, Revision newest) : ring(std::move(events)), revision(newest) {}

  EventRing ring;
  Revision revision;  // the newest
  Watchers watchers;  // by resourceOf(prefix)

  void noticeAll(std::string_view resource, const Event& event, std::vector<WatcherPtr>& toWake) {
    auto found = watchers.find(resource);
    if (found == watchers.end()) return;
    for (const WatcherPtr& watcher : found->second) {
      if (notice(*watcher, event)) toWake.push_back(watcher);
    }
  }

  void remove(const WatcherPtr& watcher) {
    auto found = watchers.find(resourceOf(watcher->prefix));
    std::erase(found->second, watcher);
    if (found->second.empty()) watchers.erase(found);
  }

  // One step of a poll, short enough for the lock; whether the poll is done.
  bool pollStep(Watcher& watcher, size_t most, std::vector<Event>& events, bool& expired) {
    if (!watcher.caughtUp) {
      if (!ring.reaches(watcher.position)) {
        expired = events.empty();
        return true;
      }
      auto scan = ring.scan(watcher.position, watcher.prefix, kEventsPerLock, [&](const Event& event) {
        if (events.size() >= most) return false;
        events.push_back(event);
        return true;
      });
      watcher.position = scan.upTo;
      watcher.caughtUp = scan.atEnd;
    }
    if (watcher.caughtUp && events.empty()) watcher.armed = true;
    return watcher.caughtUp || events.size() >= most;
  }
};

class HubWatch : public Watch {
 public:
  HubWatch(std::shared_ptr<WatchHub> hub, WatcherPtr watcher) : hub_(std::move(hub)), watcher_(std::move(watcher)) {}

  ~HubWatch() override {
    hub_->state_.with([&](auto& state) { state->remove(watcher_); });
    watcher_->wake.with([](std::function<void()>& wake) { wake = nullptr; });  // waits for one that is being called
  }

  std::vector<Event> poll(size_t most, bool& expired) override {
    std::vector<Event> events;
    expired = false;
    bool done = false;
    while (!done) {
      done = hub_->state_.with([&](auto& state) { return state->pollStep(*watcher_, most, events, expired); });
    }
    return events;
  }

  Revision position() const override {
    return hub_->state_.with([&](auto& state) {
      return watcher_->caughtUp ? std::max(watcher_->from, state->revision) : watcher_->position;
    });
  }

 private:
  std::shared_ptr<WatchHub> hub_;
  WatcherPtr watcher_;
};

WatchHub::WatchHub(Revision start, size_t ringEvents, size_t ringBytes)
    : state_(std::make_unique<State>(EventRing(start, ringEvents, ringBytes), start)) {}

WatchHub::~WatchHub() = default;

std::unique_ptr<Watch> WatchHub::watch(std::string prefix, Revision from, std::function<void()> wake) {
  auto watcher = std::make_shared<Watcher>();
  watcher->prefix = std::move(prefix);
  watcher->from = watcher->position = from;
  watcher->wake.with([&](auto& target) { target = std::move(wake); });
  bool reached = state_.with([&](auto& state) {
    if (!state->ring.reaches(from)) return false;
    state->watchers[std::string(resourceOf(watcher->prefix))].push_back(watcher);
    return true;
  });
  if (!reached) return nullptr;
  return std::make_unique<HubWatch>(shared_from_this(), std::move(watcher));
}

void WatchHub::append(const std::vector<Event>& events, const std::function<void()>& publish) {
  std::vector<Event> gone;  // freed without the lock
  std::vector<WatcherPtr> toWake;
  state_.with([&](auto& state) {
    gone = state->ring.append(events);
    state->revision = events.back().revision;
    publish();
    for (const Event& event : events) {
      std::string_view resource = resourceOf(event.entry->key);
      state->noticeAll(resource, event, toWake);
      if (!resource.empty()) state->noticeAll("", event, toWake);
    }
  });
  for (const WatcherPtr& watcher : toWake) callWake(*watcher);
}

bool WatchHub::replay(Revision from, Revision to, std::string_view prefix,
                      const std::function<void(const Event&)>& visit) const {
  while (from < to) {
    bool reached = state_.with([&](const auto& state) {
      if (!state->ring.reaches(from)) return false;
      auto scan = state->ring.scan(from, prefix, kEventsPerLock, [&](const Event& event) {
        if (event.revision <= to) visit(event);
        return true;
      });
      from = scan.atEnd ? to : scan.upTo;
      return true;
    });
    if (!reached) return false;
  }
  return true;
}

std::string_view resourceOf(std::string_view prefix) {
  size_t group = prefix.starts_with('/') ? prefix.find('/', 1) : std::string_view::npos;
  size_t resource = group == std::string_view::npos ? group : prefix.find('/', group + 1);
  return resource == std::string_view::npos ? std::string_view() : prefix.substr(0, resource + 1);
}

}  // namespace wherry::storage
