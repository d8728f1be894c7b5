#include "client/workqueue.h"

#include <atomic>
#include <future>
#include <semaphore>

#include <gtest/gtest.h>

#include "base/metrics_test_support.h"
#include "client/workqueue_metrics.h"
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
  Workqueue queue("test");
  queue.add("default/web");
  queue.add("default/web");
  EXPECT_EQ(queue.size(), 1u);
  std::stop_source stop;
  EXPECT_EQ(queue.take(stop.get_token()), "default/web");
  EXPECT_EQ(queue.size(), 0u);
}

TEST(Workqueue, AKeyAddedWhileItIsWorkedOnComesBackOnlyWhenDone) {
  Workqueue queue("test");
  std::stop_source stop;
  queue.add("a");
  ASSERT_EQ(queue.take(stop.get_token()), "a");
  queue.add("a");
  EXPECT_EQ(queue.size(), 0u);
  queue.done("a");
  EXPECT_EQ(queue.take(stop.get_token()), "a");
}

TEST(Workqueue, TakeAnswersNothingOnceStopIsRequested) {
  Workqueue queue("test");
  std::stop_source stop;
  auto taken = std::async(std::launch::async, [&] { return queue.take(stop.get_token()); });
  stop.request_stop();
  EXPECT_EQ(taken.get(), std::nullopt);
}

TEST(Workqueue, TheEarliestDeadlineOfAKeyWins) {
  Workqueue queue("test");
  std::stop_source stop;
  queue.addAfter("a", std::chrono::hours(1));
  queue.addAfter("a", milliseconds(1));
  queue.addAfter("a", std::chrono::hours(2));
  EXPECT_EQ(queue.take(stop.get_token()), "a");
}

TEST(Workqueue, AnEarlierDeadlineWakesTheWaitingWorker) {
  Workqueue queue("test");
  std::stop_source stop;
  queue.addAfter("late", std::chrono::hours(1));
  auto taken = std::async(std::launch::async, [&] { return queue.take(stop.get_token()); });
  queue.addAfter("early", milliseconds(2));
  EXPECT_EQ(taken.get(), "early");
}

TEST(Workqueue, DeadlinesComeInTheirOrder) {
  Workqueue queue("test");
  std::stop_source stop;
  queue.addAfter("second", milliseconds(4));
  queue.addAfter("first", milliseconds(1));
  EXPECT_EQ(queue.take(stop.get_token()), "first");
  EXPECT_EQ(queue.take(stop.get_token()), "second");
}

TEST(Workqueue, CountsItsKeys) {
  auto value = [](const std::string& series) {
    return base::metrics::valueOf(workqueueFamilies(), "workqueue_" + series + R"({name="counted"})");
  };
  std::stop_source stop;
  {
    Workqueue queue("counted");
    queue.add("a");
    queue.add("a");
    queue.add("b");
    EXPECT_EQ(value("adds_total"), 2);
    EXPECT_EQ(value("depth"), 2);
    ASSERT_EQ(queue.take(stop.get_token()), "a");
    queue.add("a");  // waits until it is done
    EXPECT_EQ(value("adds_total"), 3);
    EXPECT_EQ(value("depth"), 2);
    EXPECT_EQ(value("queue_duration_seconds_count"), 1);
    EXPECT_EQ(value("work_duration_seconds_count"), 0);
    queue.done("a");
    EXPECT_EQ(value("work_duration_seconds_count"), 1);
    ASSERT_EQ(queue.take(stop.get_token()), "b");
    queue.addRateLimited("b");
    queue.done("b");
    EXPECT_EQ(value("retries_total"), 1);
    EXPECT_EQ(value("depth"), 1);
  }
  EXPECT_EQ(value("depth"), 0);
  EXPECT_EQ(value("queue_duration_seconds_count"), 2);
}

TEST(ReconcileLoop, AFailedKeyComesBackUntilItSucceeds) {
  Workqueue queue("test");
  std::atomic<int> calls = 0;
  std::binary_semaphore succeeded(0);
  ReconcileLoop loop(queue, [&](const std::string&) {
    if (++calls < 3) throw meta::internalError("not yet");
    succeeded.release();
  });
  queue.add("a");
  succeeded.acquire();
  EXPECT_EQ(calls, 3);
}

TEST(ReconcileLoop, WorkersShareTheQueueButNeverAKey) {
  Workqueue queue("test");
  std::atomic<int> inside = 0, most = 0;
  std::counting_semaphore<> rounds(0);
  {
    ReconcileLoop loop(
        queue,
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
