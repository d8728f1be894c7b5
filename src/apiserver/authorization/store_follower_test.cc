#include "apiserver/authorization/store_follower.h"

#include <future>
#include <map>

#include <gtest/gtest.h>

namespace wherry::apiserver {
namespace {

// Keeps what is under "/registry/x/" in a map, published as text.
class Follower {
 public:
  explicit Follower(size_t ringEvents = 1000) {
    auto options = storeOptions(ringEvents);
    store_ = storage::openMemoryStore(options);
    follower_ = std::make_unique<StoreFollower>(
        *store_, "/registry/x/",
        StoreFollower::Reactions{[this] { values_.clear(); },
                                 [this](const std::string& key, const storage::EntryPtr& entry) {
                                   entry ? values_[key] = entry->bytes : values_[key] = "gone";
                                 },
                                 [this] { ++published_; }});
  }

  void put(const std::string& key, const std::string& value) {
    auto entry = store_->newest(key);
    auto render = [&](storage::Revision) { return value; };
    std::promise<storage::Committed> committed;
    auto done = [&](storage::Committed result) { committed.set_value(std::move(result)); };
    entry ? store_->update(key, entry->modified, render, done) : store_->create(key, render, done);
    ASSERT_TRUE(committed.get_future().get().ok());
  }
  void remove(const std::string& key) {
    std::promise<storage::Committed> committed;
    store_->remove(
        key, store_->newest(key)->modified, [](storage::Revision) { return "last"; },
        [&](storage::Committed result) { committed.set_value(std::move(result)); });
    ASSERT_TRUE(committed.get_future().get().ok());
  }
  std::string see() {
    follower_->catchUp();
    std::string text;
    for (const auto& [key, value] : values_) text += key.substr(sizeof("/registry/x/") - 1) + "=" + value + " ";
    return text;
  }
  int published() const { return published_; }

 private:
  static storage::StoreOptions storeOptions(size_t ringEvents) {
    storage::StoreOptions options;
    options.ringEvents = ringEvents;
    return options;
  }

  std::unique_ptr<storage::Store> store_;
  std::map<std::string, std::string> values_;
  int published_ = 0;
  std::unique_ptr<StoreFollower> follower_;
};

TEST(StoreFollower, SeesEveryAcknowledgedWriteAndNothingElse) {
  Follower follower;
  EXPECT_EQ(follower.see(), "");
  follower.put("/registry/x/a", "1");
  EXPECT_EQ(follower.see(), "a=1 ");
  follower.put("/registry/x/a", "2");
  follower.put("/registry/x/b", "1");
  follower.put("/registry/y/c", "1");
  EXPECT_EQ(follower.see(), "a=2 b=1 ");
  follower.remove("/registry/x/a");
  EXPECT_EQ(follower.see(), "a=gone b=1 ");
}

TEST(StoreFollower, PublishesOnceForAllThatHappened) {
  Follower follower;
  follower.see();
  int before = follower.published();
  for (int i = 0; i < 10; ++i) follower.put("/registry/x/a", std::to_string(i));
  follower.see();
  follower.see();
  EXPECT_EQ(follower.published(), before + 1);
}

TEST(StoreFollower, StartsOverWhenTheStoreRemembersNoLonger) {
  Follower follower(4);
  follower.put("/registry/x/a", "1");
  follower.put("/registry/x/b", "1");
  EXPECT_EQ(follower.see(), "a=1 b=1 ");
  follower.remove("/registry/x/a");
  for (int i = 0; i < 20; ++i) follower.put("/registry/y/c", std::to_string(i));
  EXPECT_EQ(follower.see(), "b=1 ") << "a was forgotten with all that was known";
  follower.put("/registry/x/d", "1");
  EXPECT_EQ(follower.see(), "b=1 d=1 ");
}

}  // namespace
}  // namespace wherry::apiserver
