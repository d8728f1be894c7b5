// What the recorder asks of an engine, and how it gets over a commit that failed.
#include "storage/recorder.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/store_test_support.h"

namespace wherry::storage {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

enum class Failure { kNone, kBeforeTheWrite, kAfterTheWrite };

// What an engine holds and was asked to do.
struct Disk {
  std::map<Revision, Entry> rows;
  Revision highWater = 0;
  int commits = 0;
  int reopened = 0;
  Failure failure = Failure::kNone;
  std::function<void()> duringCommit;
};

class DiskEngine : public Engine {
 public:
  explicit DiskEngine(Disk& disk) : disk_(disk) {}

  Revision load(const std::function<void(const Row&)>& take) override {
    for (const auto& [created, entry] : disk_.rows) take({entry.key, entry.bytes, created, entry.modified});
    return disk_.highWater;
  }
  void commit(const std::vector<Change>& changes, std::optional<Revision> highWater) override {
    ++disk_.commits;
    if (auto during = disk_.duringCommit) during();
    if (disk_.failure == Failure::kBeforeTheWrite) throw EngineError("disk full");
    for (const Change& change : changes) {
      if (change.put) disk_.rows[change.created] = *change.put;
      if (!change.put) disk_.rows.erase(change.created);
    }
    disk_.highWater = highWater.value_or(disk_.highWater);
    if (disk_.failure == Failure::kAfterTheWrite) throw EngineError("fsync failed");
  }
  void reopen() override { ++disk_.reopened; }

 private:
  Disk& disk_;
};

std::unique_ptr<Store> openOn(Disk& disk) {
  return openStore({.volatilePrefixes = {"/registry/events/"}}, std::make_unique<DiskEngine>(disk));
}

std::vector<std::string> contentOf(const Disk& disk) {
  std::vector<std::string> texts;
  for (const auto& [created, entry] : disk.rows) texts.push_back(entry.key + "=" + entry.bytes);
  return texts;
}

TEST(Recorder, ReservesRevisionsAheadWithTheFirstWriteAndGivesBackTheRest) {
  Disk disk;
  auto store = openOn(disk);
  EXPECT_EQ(disk.commits, 0);
  create(*store, "/registry/pods/a");
  EXPECT_EQ(disk.commits, 1);
  EXPECT_EQ(disk.highWater, 100'002);
  store.reset();
  EXPECT_EQ(disk.highWater, 2);
}

TEST(Recorder, AStoreThatWasOnlyReadWritesNothing) {
  Disk disk;
  create(*openOn(disk), "/registry/pods/a");
  int commits = disk.commits;
  openOn(disk).reset();
  EXPECT_EQ(disk.commits, commits);
}

TEST(Recorder, RevisionsGoOnAboveTheMarkAfterACrash) {
  Disk disk;
  disk.highWater = 5000;
  disk.rows[7] = makeEntry("/registry/pods/a", "old@9", 7, 9);
  auto store = openOn(disk);
  EXPECT_EQ(store->revision(), 5000);
  EXPECT_EQ(store->get("/registry/pods/a")->modified, 9);
  EXPECT_EQ(create(*store, "/registry/pods/b").entry->modified, 5001);
  EXPECT_EQ(store->watch("/registry/pods/", 4999, {}), nullptr);
}

TEST(Recorder, VolatileWritesReserveRevisionsButAreNotWritten) {
  Disk disk;
  auto store = openOn(disk);
  create(*store, "/registry/events/a");
  EXPECT_EQ(disk.commits, 1) << "the mark";
  create(*store, "/registry/events/b");
  update(*store, "/registry/events/b", 3);
  remove(*store, "/registry/events/a", 2);
  EXPECT_EQ(disk.commits, 1);
  EXPECT_THAT(contentOf(disk), IsEmpty());
}

TEST(Recorder, RowsThatBecameVolatileGo) {
  Disk disk;
  disk.highWater = 10;
  disk.rows[7] = makeEntry("/registry/events/a", "old@7", 7, 7);
  auto store = openOn(disk);
  EXPECT_EQ(store->get("/registry/events/a"), nullptr);
  EXPECT_THAT(contentOf(disk), IsEmpty());
}

TEST(Recorder, AFailedCommitRefusesTheWriteAndLeavesReadsAsTheyWere) {
  Disk disk;
  auto store = openOn(disk);
  create(*store, "/registry/pods/a");
  disk.failure = Failure::kBeforeTheWrite;
  Committed refused = update(*store, "/registry/pods/a", 2);
  EXPECT_EQ(refused.error, WriteError::kRefused);
  EXPECT_EQ(refused.message, "disk full");
  EXPECT_EQ(store->get("/registry/pods/a")->bytes, "new@2");
  EXPECT_EQ(store->newest("/registry/pods/a")->bytes, "new@2");
  EXPECT_EQ(store->revision(), 2);
}

TEST(Recorder, AfterAFailureTheDiskIsMadeToAgreeWithWhatClientsWereTold) {
  for (Failure failure : {Failure::kBeforeTheWrite, Failure::kAfterTheWrite}) {
    Disk disk;
    auto store = openOn(disk);
    create(*store, "/registry/pods/changed");  // 2
    create(*store, "/registry/pods/removed");  // 3
    disk.failure = failure;
    update(*store, "/registry/pods/changed", 2);
    remove(*store, "/registry/pods/removed", 3);
    create(*store, "/registry/pods/created");
    disk.failure = Failure::kNone;
    EXPECT_EQ(create(*store, "/registry/pods/created", "again").entry->bytes, "again@7")
        << "no revision is given twice";
    EXPECT_GE(disk.reopened, 1);
    EXPECT_THAT(contentOf(disk), ElementsAre("/registry/pods/changed=new@2", "/registry/pods/removed=new@3",
                                             "/registry/pods/created=again@7"));
  }
}

TEST(Recorder, RowsThatTheDiskLostAreWrittenAgain) {
  Disk disk;
  auto store = openOn(disk);
  create(*store, "/registry/pods/a");
  disk.failure = Failure::kBeforeTheWrite;
  create(*store, "/registry/pods/b");
  disk.rows.clear();
  disk.failure = Failure::kNone;
  create(*store, "/registry/pods/c");
  EXPECT_THAT(contentOf(disk), ElementsAre("/registry/pods/a=new@2", "/registry/pods/c=new@4"));
}

TEST(Recorder, WhatWasDecidedOnTopOfAFailedWriteIsRefusedWithIt) {
  Disk disk;
  disk.failure = Failure::kBeforeTheWrite;
  auto store = openOn(disk);
  std::vector<std::string> answers;
  auto answer = [&](std::string name) {
    return [&answers, name](const Committed& committed) { answers.push_back(name + " " + errorName(committed.error)); };
  };
  disk.duringCommit = [&] {  // the create is being committed and decides what comes next
    store->update("/registry/pods/a", 2, withRevision("second"), answer("update"));
    store->create("/registry/pods/b", withRevision("third"), answer("other"));
    disk.duringCommit = nullptr;
  };
  wait([&](OnCommitted done) {
    store->create("/registry/pods/a", withRevision("first"), [&, done](const Committed& committed) {
      answer("create")(committed);
      done(committed);
    });
  });
  EXPECT_EQ(create(*store, "/registry/pods/c").error, WriteError::kRefused);  // after all answers before
  EXPECT_THAT(answers, ElementsAre("create refused", "update refused", "other refused"));
  EXPECT_EQ(store->newest("/registry/pods/a"), nullptr);
}

}  // namespace
}  // namespace wherry::storage
