#include "kubelet/streams/dialed_stream.h"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "linux/scratch_namespace.h"
#include "net/socket.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

// A listener in a network namespace of its own, and connections to it through dialPod().
class DialTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!linux::ScratchNamespace::allowed()) GTEST_SKIP() << "making namespaces needs root";
    std::signal(SIGPIPE, SIG_IGN);
    pod_.emplace();
    thread_ = std::thread([this] { loop_->run(); });
  }
  void TearDown() override {
    loop_->stop();
    if (thread_.joinable()) thread_.join();
  }

  void listen(const char* host) {
    pod_->run([&] { listener_ = net::listenOn({.host = host, .port = 0}); });
    port_ = net::boundPort(listener_.get());
  }

  std::shared_ptr<client::ByteStream> dial(uint16_t port) {
    bool done = false;
    std::shared_ptr<client::ByteStream> out;
    dialPod(loop_, {"uid-1", pod_->path(), port}, [&](auto stream, std::string error) {
      std::lock_guard lock(mutex_);
      out = std::move(stream);
      error_ = std::move(error);
      done = true;
      changed_.notify_all();
    });
    wait([&] { return done; });
    return out;
  }

  template <typename Predicate>
  bool wait(Predicate predicate) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, predicate);
  }

  // A blocking end of the next connection.
  base::Fd accept() {
    base::Fd fd;
    while (!fd) fd = base::Fd(::accept(listener_.get(), nullptr, nullptr));
    return fd;
  }

  void collect(const std::shared_ptr<client::ByteStream>& stream) {
    stream->onEnd([this] { note([&] { ended_ = true; }); });
    stream->onClosed([this] { note([&] { closed_ = true; }); });
    stream->onRead([this](std::string_view data) { note([&] { received_ += data; }); });
  }
  template <typename Change>
  void note(Change change) {
    std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }

  std::optional<linux::ScratchNamespace> pod_;
  std::shared_ptr<net::EventLoop> loop_ = std::make_shared<net::EventLoop>();
  std::thread thread_;
  base::Fd listener_;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string error_, received_;
  bool ended_ = false, closed_ = false;
};

TEST_F(DialTest, ReachesTheLoopbackInsideAndEachWayEndsByItself) {
  listen("127.0.0.1");
  auto stream = dial(port_);
  ASSERT_TRUE(stream) << error_;
  collect(stream);
  base::Fd server = accept();
  stream->write("ping");
  stream->finish();
  char buffer[16];
  EXPECT_EQ(::recv(server.get(), buffer, 4, MSG_WAITALL), 4);
  EXPECT_EQ(::recv(server.get(), buffer, 1, 0), 0) << "half closed";
  EXPECT_EQ(::send(server.get(), "pong", 4, 0), 4);
  EXPECT_TRUE(wait([&] { return received_ == "pong"; }));
  ::shutdown(server.get(), SHUT_WR);
  EXPECT_TRUE(wait([&] { return ended_ && closed_; }));
}

TEST_F(DialTest, TriesTheOtherLoopbackAndSaysWhyNeitherAnswers) {
  listen("::1");
  EXPECT_TRUE(dial(port_)) << error_;
  listener_.reset();
  EXPECT_FALSE(dial(port_));
  std::string port = std::to_string(port_);
  EXPECT_EQ(error_,
            "failed to connect to localhost:" + port + " inside namespace \"uid-1\", IPv4: dial tcp4 127.0.0.1:" +
                port + ": connect: connection refused IPv6 dial tcp6: [::1]:" + port + ": connect: connection refused");
}

TEST_F(DialTest, AResetIsToldAsTheEndOfItAll) {
  listen("127.0.0.1");
  auto stream = dial(port_);
  ASSERT_TRUE(stream);
  collect(stream);
  base::Fd server = accept();
  linger reset{1, 0};
  ::setsockopt(server.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  server.reset();
  EXPECT_TRUE(wait([&] { return closed_; }));
}

TEST_F(DialTest, DroppingItClosesTheConnection) {
  listen("127.0.0.1");
  auto stream = dial(port_);
  base::Fd server = accept();
  stream.reset();
  char byte;
  EXPECT_EQ(::recv(server.get(), &byte, 1, 0), 0);
}

TEST_F(DialTest, HoldsBackWhoWritesToOneThatDoesNotRead) {
  listen("127.0.0.1");
  auto stream = dial(port_);
  ASSERT_TRUE(stream);
  bool room = false;
  stream->onWritable([&] { note([&] { room = true; }); });
  base::Fd server = accept();
  std::string block(64 << 10, 'x');
  size_t sent = block.size();
  while (stream->write(block)) {
    sent += block.size();
    // What the kernel takes before nobody reads, and then what may wait here.
    ASSERT_LT(sent, 64u << 20);
    std::this_thread::yield();
  }
  stream->finish();
  size_t received = 0;
  for (ssize_t count; (count = ::recv(server.get(), block.data(), block.size(), 0)) > 0;) {
    received += static_cast<size_t>(count);
  }
  EXPECT_EQ(received, sent);
  EXPECT_TRUE(wait([&] { return room; }));
}

TEST_F(DialTest, APausedReaderHoldsTheSenderBack) {
  listen("127.0.0.1");
  auto stream = dial(port_);
  ASSERT_TRUE(stream);
  base::Fd server = accept();
  collect(stream);
  ::send(server.get(), "x", 1, 0);
  ASSERT_TRUE(wait([&] { return received_.size() == 1; }));
  stream->pauseReading(true);
  std::string block(64 << 10, 'y');
  size_t sent = 0;
  for (ssize_t count; (count = ::send(server.get(), block.data(), block.size(), MSG_DONTWAIT)) > 0 || sent == 0;) {
    if (count > 0) sent += static_cast<size_t>(count);
    ASSERT_LT(sent, 64u << 20);
  }
  stream->pauseReading(false);
  EXPECT_TRUE(wait([&] { return received_.size() == sent + 1; }));
}

}  // namespace
}  // namespace wherry::kubelet
