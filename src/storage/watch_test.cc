// Watches, as store.h promises them; on the memory engine, since no engine knows of them.
#include <atomic>
#include <map>
#include <semaphore>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/store.h"
#include "storage/store_test_support.h"
#include "storage/watch_hub.h"

namespace wherry::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A watch and how often it was woken.
struct Watcher {
  Watcher(Store& store, const std::string& prefix, Revision from)
      : watch(store.watch(prefix, from, [this] { ++woken; })) {}

  std::vector<std::string> poll(size_t most = 1000) { return renderEvents(watch->poll(most, expired)); }

  std::atomic<int> woken{0};
  bool expired = false;
  std::unique_ptr<Watch> watch;  // last: `woken` must outlive it
};

TEST(Watch, GetsWhatHappensUnderItsPrefixAfterItsRevision) {
  auto store = openMemoryStore({});
  create(*store, "/registry/pods/default/a");
  Watcher watcher(*store, "/registry/pods/", store->revision());
  create(*store, "/registry/pods/default/b");
  create(*store, "/registry/secrets/default/b");
  update(*store, "/registry/pods/default/a", 2);
  remove(*store, "/registry/pods/default/b", 3);
  EXPECT_THAT(watcher.poll(),
              ElementsAre("ADDED /registry/pods/default/b new@3", "MODIFIED /registry/pods/default/a changed@5",
                          "DELETED /registry/pods/default/b gone@6"));
  EXPECT_THAT(watcher.poll(), IsEmpty());
}

TEST(Watch, AnEventKnowsTheStateBefore) {
  auto store = openMemoryStore({});
  Watcher watcher(*store, "/registry/pods/", 1);
  create(*store, "/registry/pods/default/a");
  update(*store, "/registry/pods/default/a", 2);
  remove(*store, "/registry/pods/default/a", 3);
  bool expired = false;
  auto events = watcher.watch->poll(10, expired);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].previous, nullptr);
  EXPECT_EQ(events[1].previous, events[0].entry);
  EXPECT_EQ(events[2].previous, events[1].entry);
}

TEST(Watch, HandsOutAtMostWhatIsAskedFor) {
  auto store = openMemoryStore({});
  Watcher watcher(*store, "/registry/pods/", 1);
  for (const char* key : {"/registry/pods/a", "/registry/pods/b", "/registry/pods/c"}) create(*store, key);
  EXPECT_THAT(watcher.poll(2), ElementsAre("ADDED /registry/pods/a new@2", "ADDED /registry/pods/b new@3"));
  EXPECT_EQ(watcher.watch->position(), 3);
  EXPECT_THAT(watcher.poll(2), ElementsAre("ADDED /registry/pods/c new@4"));
  EXPECT_EQ(watcher.watch->position(), 4);
}

TEST(Watch, IsWokenOnceAfterAnEmptyPoll) {
  auto store = openMemoryStore({});
  Watcher watcher(*store, "/registry/pods/", 1);
  create(*store, "/registry/pods/a");
  EXPECT_EQ(watcher.woken, 0) << "not armed before an empty poll";
  watcher.poll();
  create(*store, "/registry/pods/b");
  EXPECT_EQ(watcher.woken, 0) << "not armed by a poll that gave something";
  watcher.poll();
  EXPECT_THAT(watcher.poll(), IsEmpty());
  create(*store, "/registry/pods/c");
  create(*store, "/registry/pods/d");
  EXPECT_EQ(watcher.woken, 1);
  EXPECT_THAT(watcher.poll(), ElementsAre("ADDED /registry/pods/c new@4", "ADDED /registry/pods/d new@5"));
}

TEST(Watch, IsNotWokenByOtherPrefixes) {
  struct Case {
    const char* prefix;
    int woken;  // by the write of /registry/pods/default/web
  } cases[] = {
      {"/registry/pods/", 1},
      {"/registry/pods/default/", 1},
      {"/registry/pods/default/web", 1},
      {"/registry/", 1},
      {"/registry/po", 1},
      {"", 1},
      {"/registry/pods/kube-system/", 0},
      {"/registry/pods/default/web-2", 0},
      {"/registry/podsets/", 0},
      {"/registry/services/specs/", 0},
      {"/other/", 0},
  };
  for (const Case& one : cases) {
    auto store = openMemoryStore({});
    Watcher watcher(*store, one.prefix, 1);
    watcher.poll();
    create(*store, "/registry/pods/default/web");
    EXPECT_EQ(watcher.woken, one.woken) << one.prefix;
    EXPECT_EQ(watcher.poll().size(), static_cast<size_t>(one.woken)) << one.prefix;
  }
}

TEST(Watch, ThePositionOfAQuietWatchFollowsTheStore) {
  auto store = openMemoryStore({.ringEvents = 4});
  Watcher watcher(*store, "/registry/secrets/", 1);
  EXPECT_THAT(watcher.poll(), IsEmpty());
  for (int i = 0; i < 20; ++i) create(*store, fmt::format("/registry/pods/{}", i));
  EXPECT_EQ(watcher.watch->position(), store->revision());
  create(*store, "/registry/secrets/a");
  EXPECT_EQ(watcher.watch->position(), store->revision() - 1);
  EXPECT_THAT(watcher.poll(), ElementsAre("ADDED /registry/secrets/a new@22"));
  EXPECT_FALSE(watcher.expired);
}

TEST(Watch, ASlowWatchExpiresAndStaysSo) {
  auto store = openMemoryStore({.ringEvents = 4});
  Watcher watcher(*store, "/registry/pods/", 1);
  for (int i = 0; i < 5; ++i) create(*store, fmt::format("/registry/pods/{}", i));
  EXPECT_THAT(watcher.poll(), IsEmpty());
  EXPECT_TRUE(watcher.expired);
  create(*store, "/registry/pods/x");
  EXPECT_THAT(watcher.poll(), IsEmpty());
  EXPECT_TRUE(watcher.expired);
}

TEST(Watch, CannotBeginBeforeTheRing) {
  auto store = openMemoryStore({.ringEvents = 4});
  EXPECT_EQ(store->watch("/registry/pods/", 0, {}), nullptr);
  for (int i = 0; i < 5; ++i) create(*store, fmt::format("/registry/pods/{}", i));
  EXPECT_EQ(store->watch("/registry/pods/", 1, {}), nullptr);
  EXPECT_NE(store->watch("/registry/pods/", 2, {}), nullptr);
}

TEST(Watch, FromARevisionThatIsYetToComeGetsOnlyWhatIsAfterIt) {
  auto store = openMemoryStore({});
  Watcher watcher(*store, "/registry/pods/", 3);
  EXPECT_THAT(watcher.poll(), IsEmpty());
  for (const char* key : {"/registry/pods/a", "/registry/pods/b"}) create(*store, key);  // 2, 3
  EXPECT_EQ(watcher.woken, 0);
  create(*store, "/registry/pods/c");
  EXPECT_EQ(watcher.woken, 1);
  EXPECT_THAT(watcher.poll(), ElementsAre("ADDED /registry/pods/c new@4"));
}

TEST(Watch, MayOutliveTheStore) {
  auto store = openMemoryStore({});
  Watcher watcher(*store, "/registry/pods/", 1);
  create(*store, "/registry/pods/a");
  store.reset();
  EXPECT_EQ(watcher.poll().size(), 1u);
}

TEST(Watch, IsKeptByTheResourceOfItsPrefix) {
  EXPECT_EQ(resourceOf("/registry/pods/default/web"), "/registry/pods/");
  EXPECT_EQ(resourceOf("/registry/pods/"), "/registry/pods/");
  EXPECT_EQ(resourceOf("/registry/pods"), "");
  EXPECT_EQ(resourceOf("registry/pods/x"), "");
  EXPECT_EQ(resourceOf(""), "");
}

// Follows a prefix the way a client does: lists, watches from there, and applies every event to what it listed.
class Follower {
 public:
  Follower(Store& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  // Until the key `last` comes.
  void follow(const std::string& last) {
    Page page = store_.list(prefix_, "", 0, 0).page;
    for (const EntryPtr& entry : page.entries) state_[entry->key] = entry;
    revision_ = page.revision;
    auto watch = store_.watch(prefix_, page.revision, [this] { awake_.release(); });
    while (!state_.contains(last)) {
      bool expired = false;
      std::vector<Event> events = watch->poll(16, expired);
      ASSERT_FALSE(expired);
      for (const Event& event : events) apply(event);
      if (events.empty()) awake_.acquire();
    }
  }
  std::map<std::string, EntryPtr> state_;

 private:
  void apply(const Event& event) {
    ASSERT_GT(event.revision, revision_);
    revision_ = event.revision;
    EntryPtr& slot = state_[event.entry->key];
    ASSERT_EQ(slot, event.previous) << "an event was lost or came twice";
    slot = event.type == EventType::kDeleted ? nullptr : event.entry;
    if (!slot) state_.erase(event.entry->key);
  }

  Store& store_;
  std::string prefix_;
  Revision revision_ = 0;
  std::counting_semaphore<> awake_{0};
};

constexpr int kWriters = 3;
constexpr int kWritesEach = 1000;

// Creates, updates and removes keys of its own, each write one revision.
void writeALot(Store& store, int writer) {
  for (int i = 0; i < kWritesEach; ++i) {
    std::string key = fmt::format("/registry/pods/writer-{}/{}", writer, i % 10);
    EntryPtr entry = store.newest(key);
    if (!entry) {
      create(store, key);
    } else if (i % 3 == 0) {
      remove(store, key, entry->modified);
    } else {
      update(store, key, entry->modified);
    }
  }
}

TEST(Watch, FollowersLoseNothingAndGetNothingTwiceWhileManyWrite) {
  const std::string last = "/registry/pods/writer-1/last";
  auto store = openMemoryStore({});
  Follower all(*store, "/registry/pods/");
  Follower one(*store, "/registry/pods/writer-1/");
  {
    std::jthread followAll([&] { all.follow(last); });
    std::jthread followOne([&] { one.follow(last); });
    {
      std::vector<std::jthread> writers;
      for (int i = 0; i < kWriters; ++i) writers.emplace_back([&, i] { writeALot(*store, i); });
    }
    create(*store, last);
  }
  EXPECT_EQ(all.state_.size(), store->count("/registry/pods/"));
  EXPECT_EQ(one.state_.size(), store->count("/registry/pods/writer-1/"));
}

TEST(Watch, ManyComeAndGoWhileEventsArrive) {
  auto store = openMemoryStore({});
  std::jthread writer([&] { writeALot(*store, 0); });
  std::vector<std::jthread> watchers;
  for (int i = 0; i < 3; ++i) {
    watchers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        Watcher watcher(*store, "/registry/pods/", store->revision());
        if (watcher.watch) watcher.poll();
      }
    });
  }
}

}  // namespace
}  // namespace wherry::storage
