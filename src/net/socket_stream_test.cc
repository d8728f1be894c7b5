#include "net/socket_stream.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "net/client_connection.h"

namespace wherry::net {
namespace {

// A stream over one end of a socket pair; the test has the other.
class SocketStreams : public testing::Test {
 protected:
  SocketStreams() : thread_([loop = loop_] { loop->run(); }) {}
  ~SocketStreams() override { loop_->stop(); }

  struct End {
    ByteStreamPtr stream;
    base::Fd other;
  };
  End newEnd() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) base::throwErrno("socketpair");
    return {newSocketStream(loop_, newPlainTransport(base::Fd(fds[0]))), base::Fd(fds[1])};
  }
  void listenTo(ByteStream& stream) {
    stream.onRead([this](std::string_view data) { note([&] { received_ += data; }); });
    stream.onEnd([this] { note([&] { ended_ = true; }); });
    stream.onClosed([this] { note([&] { closed_ = true; }); });
    stream.onWritable([this] { note([&] { writable_ = true; }); });
  }
  void note(const std::function<void()>& change) {
    std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  bool waitFor(const std::function<bool()>& enough) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), enough);
  }
  // What the other end hears, up to this many bytes or the end.
  std::string hear(const base::Fd& fd, size_t size) {
    std::string text;
    while (text.size() < size) {
      wait_.until(fd.get(), POLLIN, std::chrono::seconds(10), "bytes");
      char buffer[65536];
      ssize_t count = ::recv(fd.get(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      text.append(buffer, static_cast<size_t>(count));
    }
    return text;
  }
  static void say(const base::Fd& fd, std::string_view text) { base::writeAll(fd.get(), text, "socket"); }

  std::shared_ptr<EventLoop> loop_ = std::make_shared<EventLoop>();
  Wait wait_{std::stop_token()};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string received_;
  bool ended_ = false, closed_ = false, writable_ = false;
  std::jthread thread_;  // last: it notes things in what stands above until it has ended
};

TEST_F(SocketStreams, EachWayEndsByItself) {
  auto [stream, other] = newEnd();
  listenTo(*stream);
  say(other, "in");
  ::shutdown(other.get(), SHUT_WR);
  EXPECT_TRUE(waitFor([&] { return ended_; }));
  EXPECT_EQ(received_, "in");
  EXPECT_FALSE(closed_);
  stream->write("out");
  stream->finish();
  EXPECT_EQ(hear(other, 100), "out");
  EXPECT_TRUE(waitFor([&] { return closed_; }));
}

TEST_F(SocketStreams, APausedReaderHoldsTheOtherSideBack) {
  auto [stream, other] = newEnd();
  stream->pauseReading(true);
  listenTo(*stream);
  std::string block(65536, 'x');
  while (::send(other.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
  }
  EXPECT_EQ(received_, "");
  ::shutdown(other.get(), SHUT_RDWR);  // the kernel tells of that again and again: nobody may spin
  stream->pauseReading(false);
  EXPECT_TRUE(waitFor([&] { return ended_; }));
  EXPECT_GT(received_.size(), block.size());
}

TEST_F(SocketStreams, AFullWriterIsToldWhenThereIsRoom) {
  auto [stream, other] = newEnd();
  listenTo(*stream);
  std::string block(65536, 'x');
  size_t sent = block.size();
  while (stream->write(block)) sent += block.size();
  EXPECT_EQ(hear(other, sent).size(), sent);
  EXPECT_TRUE(waitFor([&] { return writable_; }));
}

TEST_F(SocketStreams, DroppingOneClosesIt) {
  auto [stream, other] = newEnd();
  stream.reset();
  EXPECT_EQ(hear(other, 1), "");
}

TEST_F(SocketStreams, SplicedStreamsCarryBothWaysAndEndsToo) {
  auto [left, client] = newEnd();
  auto [right, server] = newEnd();
  bool over = false;
  splice(std::move(left), std::move(right), [&] { note([&] { over = true; }); });
  std::string question(1 << 20, 'q'), answer(1 << 20, 'a');
  std::thread asking([&, &client = client] {
    for (size_t at = 0; at < question.size();) {
      wait_.until(client.get(), POLLOUT, std::chrono::seconds(10), "room");
      at += static_cast<size_t>(std::max<ssize_t>(0, ::send(client.get(), &question[at], question.size() - at, 0)));
    }
    ::shutdown(client.get(), SHUT_WR);
  });
  EXPECT_EQ(hear(server, 2 << 20), question);  // and its end
  asking.join();
  say(server, "answer");
  server.reset();
  EXPECT_EQ(hear(client, 100), "answer");
  EXPECT_TRUE(waitFor([&] { return over; }));
}

TEST_F(SocketStreams, WhenOneOfTwoIsLostTheOtherIsClosed) {
  auto [left, client] = newEnd();
  auto [right, server] = newEnd();
  auto watched = left;
  splice(std::move(left), std::move(right), nullptr);
  watched->close();
  watched.reset();
  EXPECT_EQ(hear(server, 1), "");
}

TEST_F(SocketStreams, ConnectingSaysWhyItFails) {
  std::string failure;
  base::Fd listener = listenOn({"127.0.0.1", 0, ""});
  uint16_t port = boundPort(listener.get());
  auto done = [&](ByteStreamPtr stream, const std::string& why) { note([&] { failure = stream ? "none" : why; }); };
  connectStream(loop_, {"127.0.0.1", port, ""}, std::chrono::seconds(5), done);
  EXPECT_TRUE(waitFor([&] { return failure == "none"; }));
  listener.reset();
  connectStream(loop_, {"127.0.0.1", port, ""}, std::chrono::seconds(5), done);
  EXPECT_TRUE(waitFor([&] { return failure == "connect: connection refused"; }));
}

}  // namespace
}  // namespace wherry::net
