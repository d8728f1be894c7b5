#include "net/event_loop.h"

#include <future>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace wherry::net {
namespace {

using std::chrono::milliseconds;

class EventLoopTest : public testing::Test {
 protected:
  EventLoopTest() : thread_([this] { loop_.run(); }) {}
  ~EventLoopTest() override { loop_.stop(); }

  // Runs it on the loop and waits for it.
  void onLoop(const std::function<void()>& action) {
    std::promise<void> done;
    ASSERT_TRUE(loop_.post([&] {
      action();
      done.set_value();
    }));
    done.get_future().get();
  }

  EventLoop loop_;
  std::jthread thread_;
};

TEST_F(EventLoopTest, RunsTasksOnItsThreadInOrder) {
  std::vector<int> order;
  EXPECT_FALSE(loop_.inLoop());
  for (int i = 0; i < 3; ++i) loop_.post([&order, i] { order.push_back(i); });
  onLoop([&] { EXPECT_TRUE(loop_.inLoop()); });
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_F(EventLoopTest, RefusesTasksAfterItsEnd) {
  loop_.stop();
  thread_.join();
  EXPECT_FALSE(loop_.post([] { FAIL(); }));
}

TEST_F(EventLoopTest, TimersRingInTheOrderOfTheirDeadlines) {
  std::promise<std::vector<int>> rung;
  std::vector<int> order;
  onLoop([&] {
    auto now = loop_.now();
    loop_.addTimer(now + milliseconds(4), [&] {
      order.push_back(2);
      rung.set_value(order);
    });
    loop_.addTimer(now + milliseconds(2), [&] { order.push_back(1); });
    auto cancelled = loop_.addTimer(now + milliseconds(3), [&] { order.push_back(99); });
    loop_.cancelTimer(cancelled);
  });
  EXPECT_EQ(rung.get_future().get(), (std::vector<int>{1, 2}));
}

class Reader : public EventLoop::Source {
 public:
  Reader(EventLoop& loop, base::Fd fd) : loop_(loop), fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }
  std::future<std::string> text() { return text_.get_future(); }
  void onReady(uint32_t events) override {
    EXPECT_NE(events & EPOLLIN, 0U);
    char buffer[16];
    ssize_t count = ::read(fd_.get(), buffer, sizeof buffer);
    loop_.remove(fd_.get());
    text_.set_value(std::string(buffer, static_cast<size_t>(count)));
  }

 private:
  EventLoop& loop_;
  base::Fd fd_;
  std::promise<std::string> text_;
};

TEST_F(EventLoopTest, TellsOfWhatCanBeRead) {
  base::Pipe pipe = base::makePipe();
  auto reader = std::make_shared<Reader>(loop_, std::move(pipe.read));
  auto text = reader->text();
  onLoop([&] { loop_.add(reader->fd(), EPOLLIN, reader); });
  base::writeAll(pipe.write.get(), "hello", "pipe");
  EXPECT_EQ(text.get(), "hello");
}

// Has always more to do, and when it goes it leaves something for the loop.
class Busy : public EventLoop::Source, public std::enable_shared_from_this<Busy> {
 public:
  Busy(EventLoop& loop, std::shared_ptr<Source> left) : loop_(loop), left_(std::move(left)) {}
  ~Busy() override {
    if (left_) loop_.defer(std::move(left_));
  }
  void onReady(uint32_t) override { loop_.defer(shared_from_this()); }

 private:
  EventLoop& loop_;
  std::shared_ptr<Source> left_;
};

TEST_F(EventLoopTest, HoldsNothingAfterItsEnd) {
  auto last = std::make_shared<Busy>(loop_, nullptr);
  auto first = std::make_shared<Busy>(loop_, last);
  onLoop([&] {
    loop_.defer(std::move(first));  // the loop alone holds it
    loop_.stop();
  });
  thread_.join();
  EXPECT_EQ(last.use_count(), 1);
}

}  // namespace
}  // namespace wherry::net
