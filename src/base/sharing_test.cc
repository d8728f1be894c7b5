// The three ways to share: Guarded, Published, Queue.
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "base/published.h"
#include "base/queue.h"
#include "base/random.h"

namespace wherry::base {
namespace {

TEST(GuardedTest, OneThreadAtATime) {
  Guarded<int> counter;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 1000; ++j) counter.with([](int& value) { ++value; });
      });
    }
  }
  EXPECT_EQ(counter.copy(), 4000);
}

TEST(PublishedTest, ReadersKeepWhatTheyLoaded) {
  Published<std::string> text(std::string("old"));
  auto held = text.load();
  text.publish(std::string("new"));
  EXPECT_EQ(*held, "old");
  EXPECT_EQ(*text.load(), "new");
}

TEST(PublishedTest, WaitersAreWoken) {
  Published<int> number;
  std::jthread publisher([&] {
    for (int i = 1; i <= 5; ++i) number.publish(i);
  });
  EXPECT_TRUE(number.waitUntil([](int value) { return value == 5; }, std::chrono::seconds(10)));
  EXPECT_FALSE(number.waitUntil([](int value) { return value == 6; }, std::chrono::milliseconds(1)));
}

TEST(QueueTest, KeepsTheOrderAndItsBound) {
  Queue<int> queue(2);
  EXPECT_TRUE(queue.tryPush(1));
  EXPECT_TRUE(queue.tryPush(2));
  EXPECT_FALSE(queue.tryPush(3));
  EXPECT_EQ(queue.pop({}), 1);
  EXPECT_EQ(queue.pop({}), 2);
  queue.close();
  EXPECT_FALSE(queue.tryPush(4));
  EXPECT_EQ(queue.pop({}), std::nullopt);
}

TEST(QueueTest, AWaitingReaderEndsWhenItIsStopped) {
  Queue<int> queue(1);
  std::optional<int> got = 1;
  std::jthread reader([&](std::stop_token stop) { got = queue.pop(stop); });
  reader.request_stop();
  reader.join();
  EXPECT_EQ(got, std::nullopt);
}

TEST(ClockTest, AManualClockMovesWhenItIsTold) {
  ManualClock clock(WallTime{std::chrono::seconds{1}});
  auto began = clock.monotonicNow();
  clock.advance(std::chrono::milliseconds(1500));
  EXPECT_EQ(formatUtcMillis(clock.now()), "1970-01-01T00:00:02.500Z");
  EXPECT_EQ(clock.monotonicNow() - began, std::chrono::milliseconds(1500));
}

TEST(FdTest, AFileIsReplacedAsAWhole) {
  std::string path = testing::TempDir() + "wherry-fd-test-" + randomSuffix();
  EXPECT_EQ(readFileIfExists(path), std::nullopt);
  writeFileAtomic(path, "old", 0600);
  writeFileAtomic(path, "new", 0600, Durability::kSynced);
  EXPECT_EQ(readFile(path), "new");
  ::remove(path.c_str());
  EXPECT_THROW(readFile(path), std::system_error);
}

TEST(RandomTest, IdentifiersHaveTheirForm) {
  std::string uuid = newUuid();
  EXPECT_EQ(uuid.size(), 36u);
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(uuid, newUuid());
  EXPECT_EQ(randomSuffix().size(), 5u);
  for (int i = 0; i < 100; ++i) EXPECT_LT(randomBelow(3), 3u);
}

}  // namespace
}  // namespace wherry::base
