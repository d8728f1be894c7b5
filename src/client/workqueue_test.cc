#include "client/workqueue.h"

#include <atomic>
#include <future>
#include <semaphore>

#include <gtest/gtest.h>

#include "meta/status.h"

namespace wherry::client {
namespace {

using std::chrono::milliseconds;

TEST(RetryDelay, DoublesFromFiveMillisecondsToAThousandSeconds) {
  EXPECT_EQ(retryDelay(0), milliseconds(5));
  EXPECT_EQ(retryDelay(1), milliseconds(10));
  EXPECT_EQ(retryDelay(10), milliseconds(5120));
  EXPECT_EQ(retryDelay(18), milliseconds(1'000'000));
  EXPECT_EQ(retryDelay(1000), milliseconds(1'000'000));
}

TEST(Workqueue, AKeyAddedTwiceIsTakenOnce) {
  Workqueue queue;
  queue.add("default/web");
  queue.add("default/web");
  EXPECT_EQ(queue.size(), 1u);
  std::stop_source stop;
  EXPECT_EQ(queue.take(stop.get_token()), "default/web");
  EXPECT_EQ(queue.size(), 0u);
}

TEST(Workqueue, AKeyAddedWhileItIsWorkedOnComesBackOnlyWhenDone) {
  Workqueue queue;
  std::stop_source stop;
  queue.add("a");
  ASSERT_EQ(queue.take(stop.get_token()), "a");
  queue.add("a");
  EXPECT_EQ(queue.size(), 0u);
  queue.done("a");
  EXPECT_EQ(queue.take(stop.get_token()), "a");
}

TEST(Workqueue, TakeAnswersNothingOnceStopIsRequested) {
  Workqueue queue;
  std::stop_source stop;
  auto taken = std::async(std::launch::async, [&] { return queue.take(stop.get_token()); });
  stop.request_stop();
  EXPECT_EQ(taken.get(), std::nullopt);
}

TEST(Workqueue, TheEarliestDeadlineOfAKeyWins) {
  Workqueue queue;
  std::stop_source stop;
  queue.addAfter("a", std::chrono::hours(1));
  queue.addAfter("a", milliseconds(1));
  queue.addAfter("a", std::chrono::hours(2));
  EXPECT_EQ(queue.take(stop.get_token()), "a");
}

TEST(Workqueue, AnEarlierDeadlineWakesTheWaitingWorker) {
  Workqueue queue;
  std::stop_source stop;
  queue.addAfter("late", std::chrono::hours(1));
  auto taken = std::async(std::launch::async, [&] { return queue.take(stop.get_token()); });
  queue.addAfter("early", milliseconds(2));
  EXPECT_EQ(taken.get(), "early");
}

TEST(Workqueue, DeadlinesComeInTheirOrder) {
  Workqueue queue;
  std::stop_source stop;
  queue.addAfter("second", milliseconds(4));
  queue.addAfter("first", milliseconds(1));
  EXPECT_EQ(queue.take(stop.get_token()), "first");
  EXPECT_EQ(queue.take(stop.get_token()), "second");
}

TEST(ReconcileLoop, AFailedKeyComesBackUntilItSucceeds) {
  Workqueue queue;
  std::atomic<int> calls = 0;
  std::binary_semaphore succeeded(0);
  ReconcileLoop loop("test", queue, [&](const std::string&) {
    if (++calls < 3) throw meta::internalError("not yet");
    succeeded.release();
  });
  queue.add("a");
  succeeded.acquire();
  EXPECT_EQ(calls, 3);
}

TEST(ReconcileLoop, WorkersShareTheQueueButNeverAKey) {
  Workqueue queue;
  std::atomic<int> inside = 0, most = 0;
  std::counting_semaphore<> rounds(0);
  {
    ReconcileLoop loop(
        "test", queue,
        [&](const std::string&) {
          most = std::max(most.load(), ++inside);
          queue.add("a");
          --inside;
          rounds.release();
        },
        4);
    queue.add("a");
    for (int i = 0; i < 100; ++i) rounds.acquire();
  }
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace wherry::client
