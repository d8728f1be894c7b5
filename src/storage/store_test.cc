// The contract of store.h, over both engines.
#include "storage/store.h"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

using testing::ElementsAre;

enum class EngineKind { kMemory, kSqlite };

class StoreTest : public testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override { open({}); }

  void open(StoreOptions options) {
    store_.reset();
    options.path = directory_.file("state.db");
    store_ =
        GetParam() == EngineKind::kMemory ? openMemoryStore(std::move(options)) : openSqliteStore(std::move(options));
  }
  void fill(int count) {
    for (int i = 0; i < count; ++i)
      create(*store_, fmt::format("/registry/pods/default/{}", i), fmt::format("pod-{}", i));
  }
  Page list(std::string_view prefix, std::string_view after = "", size_t limit = 0, Revision at = 0) {
    PageResult result = store_->list(prefix, after, limit, at);
    EXPECT_EQ(result.error, ReadError::kNone);
    return std::move(result.page);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Engines, StoreTest, testing::Values(EngineKind::kMemory, EngineKind::kSqlite),
                         [](const auto& engine) { return engine.param == EngineKind::kMemory ? "Memory" : "Sqlite"; });

TEST_P(StoreTest, AnEmptyStoreIsAtARevisionThatClientsDoNotReadAsAny) {
  EXPECT_EQ(store_->revision(), 1);
  EXPECT_TRUE(list("/").entries.empty());
  EXPECT_EQ(list("/").revision, 1);
}

TEST_P(StoreTest, AWriteIsReadBackWithItsRevision) {
  Committed created = create(*store_, "/registry/pods/default/web", "one");
  ASSERT_TRUE(created.ok());
  EXPECT_EQ(created.entry->bytes, "one@2");
  Committed updated = update(*store_, "/registry/pods/default/web", 2, "two");
  ASSERT_TRUE(updated.ok());
  EntryPtr entry = store_->get("/registry/pods/default/web");
  EXPECT_EQ(entry->bytes, "two@3");
  EXPECT_EQ(entry->created, 2);
  EXPECT_EQ(entry->modified, 3);
  EXPECT_EQ(store_->newest("/registry/pods/default/web"), entry);
  EXPECT_EQ(store_->revision(), 3);
}

TEST_P(StoreTest, ARemovalAnswersWithTheLastStateAtItsRevision) {
  create(*store_, "/registry/pods/default/web");
  Committed removed = remove(*store_, "/registry/pods/default/web", 2);
  ASSERT_TRUE(removed.ok());
  EXPECT_EQ(removed.entry->bytes, "gone@3");
  EXPECT_EQ(removed.entry->created, 2);
  EXPECT_EQ(store_->get("/registry/pods/default/web"), nullptr);
  EXPECT_EQ(store_->newest("/registry/pods/default/web"), nullptr);
  EXPECT_EQ(store_->count("/registry/pods/"), 0u);
}

TEST_P(StoreTest, CompareAndSwapRefusesWhatWasNotExpected) {
  create(*store_, "/registry/pods/default/web");  // at revision 2
  struct Case {
    const char* name;
    std::function<Committed()> write;
    std::string error;
    std::string inTheWay;
  } cases[] = {
      {"create of a key that is there", [&] { return create(*store_, "/registry/pods/default/web"); }, "exists",
       "new@2"},
      {"update of a missing key", [&] { return update(*store_, "/registry/pods/default/x", 2); }, "missing", ""},
      {"update from an older revision", [&] { return update(*store_, "/registry/pods/default/web", 1); }, "conflict",
       "new@2"},
      {"update from no revision", [&] { return update(*store_, "/registry/pods/default/web", 0); }, "conflict",
       "new@2"},
      {"removal of a missing key", [&] { return remove(*store_, "/registry/pods/default/x", 2); }, "missing", ""},
      {"removal at an older revision", [&] { return remove(*store_, "/registry/pods/default/web", 1); }, "conflict",
       "new@2"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Committed answer = one.write();
    EXPECT_EQ(errorName(answer.error), one.error);
    EXPECT_EQ(answer.entry ? answer.entry->bytes : "", one.inTheWay);
  }
  EXPECT_EQ(store_->revision(), 2) << "a refused write uses no revision";
}

TEST_P(StoreTest, ARenderThatThrowsLeavesNoTrace) {
  auto render = [](Revision) -> std::string { throw std::runtime_error("no"); };
  EXPECT_THROW(store_->create("/registry/pods/default/web", render, [](const Committed&) { FAIL(); }),
               std::runtime_error);
  EXPECT_EQ(create(*store_, "/registry/pods/default/web").entry->modified, 2);
}

TEST_P(StoreTest, OfManyWritersOfOneKeyEachRevisionHasOneWinner) {
  constexpr int kWriters = 4;
  constexpr int kUpdatesEach = 50;
  create(*store_, "/registry/leases/kube-system/leader", "0");
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&] {
        for (int won = 0; won < kUpdatesEach;) {
          EntryPtr base = store_->newest("/registry/leases/kube-system/leader");
          int count = std::stoi(base->bytes);
          won += update(*store_, base->key, base->modified, std::to_string(count + 1)).ok() ? 1 : 0;
        }
      });
    }
  }
  EXPECT_EQ(std::stoi(store_->get("/registry/leases/kube-system/leader")->bytes), kWriters * kUpdatesEach);
  EXPECT_EQ(store_->revision(), 2 + kWriters * kUpdatesEach);
}

TEST_P(StoreTest, AcknowledgementsComeInOrderOfRevisionAndFindTheWriteReadable) {
  std::vector<Revision> order;
  std::promise<void> last;
  for (int i = 0; i < 200; ++i) {
    store_->create(fmt::format("/registry/pods/default/{}", i), withRevision("new"), [&](const Committed& committed) {
      EXPECT_EQ(store_->get(committed.entry->key), committed.entry);
      EXPECT_GE(store_->revision(), committed.entry->modified);
      order.push_back(committed.entry->modified);
      if (order.size() == 200) last.set_value();
    });
  }
  last.get_future().wait();
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(StoreTest, TheIndexerSeesEveryWrite) {
  open({.indexer = [](std::string_view key, std::string_view bytes) {
    return Index{std::string(bytes), {{"key", std::string(key)}}};
  }});
  Index index = create(*store_, "/registry/pods/default/web").entry->index;
  EXPECT_EQ(index.uid, "new@2");
  EXPECT_EQ(index.labels.front().second, "/registry/pods/default/web");
}

TEST_P(StoreTest, ListsByPrefixInKeyOrderAndPages) {
  for (const char* key : {"/registry/pods/b/1", "/registry/pods/a/2", "/registry/pods/a/1", "/registry/podsets/a/1"}) {
    create(*store_, key, key);
  }
  EXPECT_THAT(bytesOf(list("/registry/pods/")),
              ElementsAre("/registry/pods/a/1@4", "/registry/pods/a/2@3", "/registry/pods/b/1@2"));
  Page page = list("/registry/pods/", "", 2);
  EXPECT_EQ(page.entries.size(), 2u);
  EXPECT_TRUE(page.more);
  EXPECT_EQ(page.remaining, 1u);
  EXPECT_EQ(page.revision, 5);
  page = list("/registry/pods/", page.entries.back()->key, 2);
  EXPECT_THAT(bytesOf(page), ElementsAre("/registry/pods/b/1@2"));
  EXPECT_FALSE(page.more);
  EXPECT_EQ(store_->count("/registry/pods/"), 3u);
}

TEST_P(StoreTest, PagesAtOneRevisionAreOfOneStateWhileWritesGoOn) {
  fill(100);
  std::vector<std::string> expected = bytesOf(list("/registry/pods/"));
  Revision revision = store_->revision();
  std::vector<std::string> got;
  std::string after;
  for (int round = 0;; ++round) {
    Page page = list("/registry/pods/", after, 7, revision);
    EXPECT_EQ(page.revision, revision);
    EXPECT_EQ(page.remaining, 100 - got.size() - page.entries.size());
    for (const std::string& text : bytesOf(page)) got.push_back(text);
    if (!page.more) break;
    after = page.entries.back()->key;
    create(*store_, fmt::format("/registry/pods/default/{}x", round));
    EntryPtr victim = store_->get(fmt::format("/registry/pods/default/{}", 99 - round));
    remove(*store_, victim->key, victim->modified);
    EntryPtr changed = store_->get(fmt::format("/registry/pods/default/{}", 70 - round));
    update(*store_, changed->key, changed->modified);
  }
  EXPECT_EQ(got, expected);
}

TEST_P(StoreTest, ReadersSeeOneStateAtARevisionWhileOthersWrite) {
  fill(200);
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      EntryPtr entry = store_->newest(fmt::format("/registry/pods/default/{}", i % 200));
      if (entry) remove(*store_, entry->key, entry->modified);
      if (!entry) create(*store_, fmt::format("/registry/pods/default/{}", i % 200));
    }
  });
  for (int round = 0; round < 50; ++round) {
    Page now = list("/registry/pods/");
    Page again = list("/registry/pods/", "", 0, now.revision);
    EXPECT_EQ(now.entries, again.entries);
    store_->waitForRevision(now.revision + 3, 60'000);
    Page later = list("/registry/pods/", "", 0, now.revision);
    EXPECT_EQ(now.entries, later.entries);
  }
}

TEST_P(StoreTest, AnOldRevisionExpiresWithTheRingAndAFutureOneIsToldApart) {
  open({.ringEvents = 10});
  Revision start = store_->revision();
  fill(20);
  EXPECT_EQ(store_->list("/registry/pods/", "", 0, start).error, ReadError::kExpired);
  EXPECT_EQ(store_->list("/registry/pods/", "", 0, -1).error, ReadError::kExpired);
  EXPECT_EQ(store_->list("/registry/pods/", "", 0, store_->revision() + 1).error, ReadError::kFuture);
  EXPECT_EQ(list("/registry/pods/", "", 0, store_->revision() - 10).entries.size(), 10u);
}

TEST_P(StoreTest, TheRingIsBoundedByBytesToo) {
  open({.ringBytes = 10'000});
  Revision start = store_->revision();
  create(*store_, "/registry/secrets/default/small");
  EXPECT_EQ(store_->list("/registry/", "", 0, start).error, ReadError::kNone);
  create(*store_, "/registry/secrets/default/large", std::string(20'000, 'x'));
  EXPECT_EQ(store_->list("/registry/", "", 0, start).error, ReadError::kExpired);
}

TEST_P(StoreTest, WaitsForARevisionUntilItIsDurable) {
  EXPECT_TRUE(store_->waitForRevision(1, 0));
  EXPECT_FALSE(store_->waitForRevision(2, 1));
  std::jthread writer([&] { create(*store_, "/registry/pods/default/web"); });
  EXPECT_TRUE(store_->waitForRevision(2, 60'000));
  EXPECT_NE(store_->get("/registry/pods/default/web"), nullptr);
}

TEST_P(StoreTest, VolatileKeysBehaveLikeOthersWhileTheStoreIsOpen) {
  open({.volatilePrefixes = {"/registry/events/"}});
  Revision start = store_->revision();
  create(*store_, "/registry/pods/default/web");
  create(*store_, "/registry/events/default/web.1");
  EXPECT_EQ(create(*store_, "/registry/pods/default/db").entry->modified, start + 3);
  EXPECT_EQ(update(*store_, "/registry/events/default/web.1", start + 2).entry->modified, start + 4);
  EXPECT_EQ(store_->count("/registry/"), 3u);
  EXPECT_EQ(list("/registry/events/", "", 0, start + 2).entries.front()->bytes, fmt::format("new@{}", start + 2));
}

TEST_P(StoreTest, AnAcknowledgementMayWriteAgain) {
  Committed second = wait([&](OnCommitted done) {
    store_->create("/registry/pods/default/a", withRevision("new"), [&, done](const Committed& first) {
      store_->update(first.entry->key, first.entry->modified, withRevision("again"), done);
    });
  });
  EXPECT_EQ(second.entry->bytes, "again@3");
}

TEST_P(StoreTest, WritesThatWaitWhenTheStoreClosesAreStillDone) {
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    store_->create(fmt::format("/registry/pods/default/{}", i), withRevision("new"),
                   [&](const Committed& committed) { done += committed.ok() ? 1 : 0; });
  }
  store_.reset();
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace wherry::storage
