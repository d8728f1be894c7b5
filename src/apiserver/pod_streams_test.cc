// exec, attach and port-forward as their clients speak them, byte by byte, with a node of the test's.
#include "apiserver/pod_streams.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/api_script.h"
#include "apiserver/test_node.h"
#include "base/encoding.h"
#include "net/event_loop.h"
#include "net/socket_stream.h"
#include "net/test_peer.h"

namespace wherry::apiserver {
namespace {

using net::TestPeer;
using net::TestSpdy;
using net::TestWebSocket;
using testing::HasSubstr;
using testing::StartsWith;

// What happened on the node, one word after the other; a test waits for one.
class Notes {
 public:
  void add(const std::string& word) {
    std::lock_guard lock(mutex_);
    text_ += word + " ";
    changed_.notify_all();
  }
  bool waitFor(const std::string& word) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return text_.find(word) != std::string::npos; });
  }
  std::string text() {
    std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

// Runs `cat` (stdin to stdout until its end), `exit N`, `fail`, `flood` (much output) and `wait` (for the client).
class Node : public TestNode {
 public:
  Node() : thread_([loop = loop_] { loop->run(); }) {}
  ~Node() override { loop_->stop(); }

  client::StartProcess exec(std::string_view, std::string_view, std::string_view,
                            const client::ProcessOptions& options) override {
    if (options.command[0] == "missing") throw meta::StatusError(500, "", "container not found (\"c\")");
    return [this, options](std::shared_ptr<client::ProcessStreams> streams) { run(options, std::move(streams)); };
  }
  client::StartProcess attach(std::string_view, std::string_view, std::string_view,
                              const client::ProcessOptions& options) override {
    return [this, options](std::shared_ptr<client::ProcessStreams> streams) {
      streams->write(client::ProcessStreams::Output::kStdout, "attached to " + options.container);
      streams->finish({.exitCode = 7});
    };
  }
  void dial(std::string_view, std::string_view, std::string_view, uint16_t port, client::OnDialed done) override {
    net::connectStream(loop_, {"127.0.0.1", port, ""}, std::chrono::seconds(5), std::move(done));
  }

  Notes notes;

 private:
  using Output = client::ProcessStreams::Output;

  void run(const client::ProcessOptions& options, const std::shared_ptr<client::ProcessStreams>& streams) {
    streams->onClosed([this] { notes.add("gone"); });
    streams->onResize([this](client::TerminalSize size) {
      notes.add(std::to_string(size.width) + "x" + std::to_string(size.height));
    });
    const auto& command = options.command;
    if (command[0] == "exit") {
      streams->write(Output::kStdout, "out");
      streams->write(Output::kStderr, "err");
      streams->finish({.exitCode = std::stoi(command[1])});
    } else if (command[0] == "fail") {
      streams->finish({.error = "no such program"});
    } else if (command[0] == "cat") {
      streams->onWritable([streams] { streams->pauseStdin(false); });
      streams->onStdin([streams](std::string_view data) {
        streams->pauseStdin(true);
        if (streams->write(Output::kStdout, data)) streams->pauseStdin(false);
      });
      streams->onStdinEnd([streams] { streams->finish({}); });
    } else if (command[0] == "flood") {
      flood(streams);
    }
    held_ = streams;
  }

  // Writes until it is told to wait.
  void flood(const std::shared_ptr<client::ProcessStreams>& streams) {
    size_t count = 1;
    while (streams->write(Output::kStdout, std::string(10'000, 'x'))) ++count;
    streams->onWritable([this] { notes.add("writable"); });
    notes.add("full");
  }

  std::shared_ptr<net::EventLoop> loop_ = std::make_shared<net::EventLoop>();
  std::jthread thread_;
  std::shared_ptr<client::ProcessStreams> held_;
};

class PodStreams : public testing::Test {
 protected:
  PodStreams() {
    world_.run(R"(
POST /api/v1/namespaces/default/serviceaccounts
  metadata: {name: default}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: p}
  spec: {nodeName: n1, containers: [{name: c, image: i}]}
=> 201
POST /api/v1/namespaces/default/pods
  metadata: {name: waiting}
  spec: {containers: [{name: c, image: i}, {name: d, image: i}]}
=> 201
)");
  }

  static constexpr auto kToken = "Authorization: Bearer secret\r\n";
  std::string spdy(TestPeer& peer, const std::string& target, const std::string& protocols = "v4.channel.k8s.io") {
    return peer.upgrade("POST /api/v1/namespaces/default/pods/p/" + target,
                        std::string(kToken) + "Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: " + protocols + "\r\n");
  }
  std::string webSocket(TestPeer& peer, const std::string& target, const std::string& protocols) {
    return peer.upgrade("GET /api/v1/namespaces/default/pods/p/" + target, kToken + TestWebSocket::fields(protocols));
  }

  std::shared_ptr<Node> node_ = std::make_shared<Node>();
  ApiWorld world_{[this](std::string_view name) { return name == "n1" ? node_ : nullptr; }};
};

TEST_F(PodStreams, WhatIsWrongIsSaidBeforeTheUpgrade) {
  world_.run(R"(
POST /api/v1/namespaces/default/pods/none/exec?command=ls&stdout=1
=> 404
  reason: NotFound
GET /api/v1/namespaces/default/pods/p/exec?command=ls&stdout=1
=> 400
  message: Upgrade request required
POST /api/v1/namespaces/default/pods/p/exec?container=x&command=ls&stdout=1
=> 400
  message: container x is not valid for pod p
POST /api/v1/namespaces/default/pods/waiting/exec?command=ls&stdout=1
=> 400
  message: "a container name must be specified for pod waiting, choose one of: [c d]"
POST /api/v1/namespaces/default/pods/waiting/attach?container=d&stdout=1
=> 400
  message: pod waiting does not have a host assigned
POST /api/v1/namespaces/default/pods/waiting/portforward
=> 400
  message: pod waiting does not have a host assigned
DELETE /api/v1/namespaces/default/pods/p/exec
=> 405
)");
  struct Case {
    const char* target;
    const char* protocols;
    const char* expected;
  };
  const Case cases[] = {
      {"exec?command=ls", "v4.channel.k8s.io", "400 Bad Request"},                          // no stream
      {"exec?stdout=1", "v4.channel.k8s.io", "400 Bad Request"},                            // no command
      {"exec?stdout=1&command=ls", "v9.channel.k8s.io", "403 Forbidden"},                   // no common protocol
      {"exec?stdout=1&command=missing", "v4.channel.k8s.io", "500 Internal Server Error"},  // the node says no
  };
  for (const auto& c : cases) {
    TestPeer peer(world_.port());
    EXPECT_THAT(spdy(peer, c.target, c.protocols), HasSubstr(c.expected)) << c.target;
  }
}

TEST_F(PodStreams, WhoMayOnlyGetMayNotUpgrade) {
  TestPeer peer(world_.port());
  auto head = peer.upgrade("GET /api/v1/namespaces/default/pods/p/exec?command=ls&stdout=1",
                           "Authorization: Bearer guest\r\n" + TestWebSocket::fields("v5.channel.k8s.io"));
  EXPECT_THAT(head, HasSubstr("403 Forbidden"));
}

TEST_F(PodStreams, SpdyCarriesOutputsAndTheExitCode) {
  TestPeer peer(world_.port());
  auto head = spdy(peer, "exec?command=exit&command=3&stdout=true&stderr=true", "v5.x, v4.channel.k8s.io");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(head, HasSubstr("X-Stream-Protocol-Version: v4.channel.k8s.io"));
  EXPECT_THAT(head, HasSubstr("Upgrade: SPDY/3.1"));
  TestSpdy client(peer);
  auto error = client.open({{"streamType", "error"}}, true);
  auto out = client.open({{"streamType", "stdout"}});
  auto err = client.open({{"streamType", "stderr"}});
  EXPECT_EQ(client.readStream(out), "out");
  EXPECT_EQ(client.readStream(err), "err");
  EXPECT_EQ(
      client.readStream(error),
      R"({"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: error executing )"
      R"(command [exit 3], exit code 3","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode",)"
      R"("message":"3"}]}})");
  EXPECT_TRUE(client.until([&] { return client.goodbye; }));
  EXPECT_EQ(client.replied, (std::set{error, out, err}));
  EXPECT_EQ(peer.receive(), "");
}

TEST_F(PodStreams, BeforeV4AnErrorIsItsText) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=fail&stdout=true", "v2.channel.k8s.io");
  TestSpdy client(peer);
  auto error = client.open({{"streamType", "error"}});
  client.open({{"streamType", "stdout"}});
  EXPECT_EQ(client.readStream(error), "Internal error occurred: error executing command in container: no such program");
}

TEST_F(PodStreams, SpdyCarriesStdinToItsEnd) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=cat&stdin=true&stdout=true");
  TestSpdy client(peer);
  auto error = client.open({{"streamType", "error"}});
  auto in = client.open({{"streamType", "stdin"}});
  auto out = client.open({{"streamType", "stdout"}});
  std::string big(3 << 20, 'y');
  std::thread sender([&] {  // beside the reader, as real clients do
    for (size_t at = 0; at < big.size(); at += 30'000) client.data(in, std::string_view(big).substr(at, 30'000));
    client.data(in, "", true);
  });
  EXPECT_EQ(client.readStream(out).size(), big.size());
  sender.join();
  EXPECT_EQ(client.readStream(error), R"({"metadata":{},"status":"Success"})");
  EXPECT_GT(client.widened[in], 2U << 20);
  EXPECT_GT(client.widened[0], 2U << 20);
}

TEST_F(PodStreams, ATerminalHasASizeAndNoStderr) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=wait&stdin=1&stdout=1&stderr=1&tty=1");
  TestSpdy client(peer);
  for (auto type : {"error", "stdin", "stdout"}) client.open({{"streamType", type}});
  auto resize = client.open({{"streamType", "resize"}});
  client.data(resize, R"({"Width":80,"Hei)");
  client.data(resize, R"(ght":24}
{"Width":81,"Height":25}
)");
  EXPECT_TRUE(node_->notes.waitFor("80x24 81x25"));
}

TEST_F(PodStreams, TheNodeLearnsAtOnceThatTheClientHasGone) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=wait&stdin=1&stdout=1");
  TestSpdy client(peer);
  for (auto type : {"error", "stdin", "stdout"}) client.open({{"streamType", type}});
  client.until([&] { return client.replied.size() == 3; });
  peer.close();
  EXPECT_TRUE(node_->notes.waitFor("gone"));
}

TEST_F(PodStreams, AClientThatDoesNotReadHoldsTheProcessBack) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=flood&stdout=1");
  TestSpdy client(peer);
  client.open({{"streamType", "error"}});
  auto out = client.open({{"streamType", "stdout"}});
  EXPECT_TRUE(node_->notes.waitFor("full"));
  client.until([&] { return client.received[out].size() > 250'000; });
  EXPECT_TRUE(node_->notes.waitFor("writable"));
}

TEST_F(PodStreams, AnUnknownOrRepeatedStreamIsRefused) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=wait&stdin=1&stdout=1");
  TestSpdy client(peer);
  auto odd = client.open({{"streamType", "fifth"}});
  client.open({{"streamType", "error"}});
  auto second = client.open({{"streamType", "error"}});
  EXPECT_TRUE(client.until([&] { return client.reset.size() == 2; }));
  EXPECT_TRUE(client.reset.contains(odd));
  EXPECT_TRUE(client.reset.contains(second));
}

TEST_F(PodStreams, GarbageEndsTheConnectionWithAGoodbye) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=wait&stdin=1&stdout=1");
  TestSpdy client(peer);
  peer.send(std::string(100, '\x80'));
  EXPECT_TRUE(client.until([&] { return client.goodbye; }));
  EXPECT_EQ(peer.receive(), "");
}

TEST_F(PodStreams, V5CarriesAllChannelsAndClosesStdin) {
  TestPeer peer(world_.port());
  auto head = webSocket(peer, "exec?command=cat&stdin=1&stdout=1", "v4.channel.k8s.io, v5.channel.k8s.io");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101"));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n"));
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  TestWebSocket client(peer);
  EXPECT_EQ(client.next(), (std::pair<int, std::string>(2, "\x01")));  // it stands
  client.send(9, "are you there");
  EXPECT_EQ(client.next(), (std::pair<int, std::string>(10, "are you there")));
  client.send(2, std::string("\0hello", 6));
  client.send(2, std::string("\xff\0", 2));
  auto channels = client.readChannels();
  EXPECT_EQ(channels[1], "hello");
  EXPECT_EQ(channels[3], R"({"metadata":{},"status":"Success"})");
}

TEST_F(PodStreams, V5TellsWhatTheNodeSaysOnTheErrorChannel) {
  TestPeer peer(world_.port());
  webSocket(peer, "exec?command=missing&stdout=1", "v5.channel.k8s.io");
  auto status = TestWebSocket(peer).readChannels()[3];
  EXPECT_THAT(status,
              HasSubstr(R"(Internal error occurred: unable to upgrade connection: container not found (\"c\"))"));
}

TEST_F(PodStreams, OlderWebSocketsAreServedToo) {
  for (std::string protocol : {"v4.channel.k8s.io", "channel.k8s.io", ""}) {
    TestPeer peer(world_.port());
    webSocket(peer, "exec?command=exit&command=3&stdout=1&stderr=1", protocol);
    auto channels = TestWebSocket(peer).readChannels();
    EXPECT_EQ(channels[1], "out");
    EXPECT_EQ(channels[2], "err");
    EXPECT_THAT(channels[3], StartsWith(protocol.starts_with("v4") ? "{" : "command terminated")) << protocol;
  }
  TestPeer peer(world_.port());
  webSocket(peer, "exec?command=cat&stdin=1&stdout=1", "base64.channel.k8s.io");
  TestWebSocket client(peer);
  EXPECT_EQ(client.next(), (std::pair<int, std::string>(1, "1")));
  client.send(1, "0" + base::encodeBase64("hello"));
  EXPECT_EQ(client.next(), (std::pair<int, std::string>(1, "1" + base::encodeBase64("hello"))));
}

TEST_F(PodStreams, AWebSocketThatNobodySpeaksIsForbidden) {
  TestPeer peer(world_.port());
  EXPECT_THAT(webSocket(peer, "exec?command=cat&stdout=1", "v6.channel.k8s.io"), HasSubstr("403 Forbidden"));
}

TEST_F(PodStreams, AttachEndsWellWhateverTheExitCode) {
  TestPeer peer(world_.port());
  webSocket(peer, "attach?stdout=1", "v5.channel.k8s.io");
  auto channels = TestWebSocket(peer).readChannels();
  EXPECT_EQ(channels[1], "attached to c");
  EXPECT_EQ(channels[3], R"({"metadata":{},"status":"Success"})");
}

// A server in the pod: answers "you said X" once its client has ended, or at once to "now".
class Echo {
 public:
  Echo() {
    listener_ = net::listenOn({"127.0.0.1", 0, ""});
    thread_ = std::jthread([this](const std::stop_token& stop) {
      net::Wait wait(stop);
      try {
        for (;;) {
          wait.until(listener_.get(), POLLIN, std::chrono::seconds(-1), "accept");
          net::Peer peer;
          serve(net::acceptFrom(listener_.get(), peer), wait);
        }
      } catch (const net::Wait::Stopped&) {
      }
    });
  }
  uint16_t port() const { return net::boundPort(listener_.get()); }

 private:
  void serve(base::Fd socket, net::Wait& wait) {
    std::string heard;
    for (;;) {
      char buffer[65536];
      wait.until(socket.get(), POLLIN, std::chrono::seconds(-1), "read");
      ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
      if (count <= 0) break;
      heard.append(buffer, static_cast<size_t>(count));
      if (heard == "now") break;
    }
    base::writeAll(socket.get(), "you said " + heard, "socket");
  }

  base::Fd listener_;
  std::jthread thread_;
};

TEST_F(PodStreams, PortForwardJoinsEachPairOfStreams) {
  Echo echo;
  TestPeer peer(world_.port());
  EXPECT_THAT(spdy(peer, "portforward", "portforward.k8s.io"), StartsWith("HTTP/1.1 101"));
  TestSpdy client(peer);
  auto port = std::to_string(echo.port());
  auto open = [&](const char* type, const char* request, bool finished) {
    return client.open({{"streamType", type}, {"port", port}, {"requestID", request}}, finished);
  };
  auto error1 = open("error", "1", true), error2 = open("error", "2", true);
  auto data1 = open("data", "1", false), data2 = open("data", "2", false);
  client.data(data1, "first", true);
  EXPECT_EQ(client.readStream(data1), "you said first");  // half-closed, and answered
  client.data(data2, "now");
  EXPECT_EQ(client.readStream(data2), "you said now");
  client.control(net::spdyRstStream(data2, net::SpdyStatus::kCancel));  // as kubectl does then
  EXPECT_EQ(client.readStream(error1) + client.readStream(error2), "");
}

TEST_F(PodStreams, PortForwardSaysThatNobodyListens) {
  TestPeer peer(world_.port());
  spdy(peer, "portforward", "portforward.k8s.io");
  TestSpdy client(peer);
  auto error = client.open({{"streamType", "error"}, {"port", "1"}, {"requestID", "0"}});
  auto data = client.open({{"streamType", "data"}, {"port", "1"}, {"requestID", "0"}});
  EXPECT_THAT(client.readStream(error), HasSubstr("error forwarding port 1 to pod p, uid "));
  EXPECT_THAT(client.received[error], HasSubstr(": connect: connection refused"));
  EXPECT_EQ(client.readStream(data), "");
  auto bad = client.open({{"streamType", "data"}, {"port", "0"}, {"requestID", "0"}});
  EXPECT_TRUE(client.until([&] { return client.reset.contains(bad); }));
}

TEST_F(PodStreams, PortForwardRunsInAWebSocketsTunnel) {
  Echo echo;
  TestPeer peer(world_.port());
  auto head = webSocket(peer, "portforward", "SPDY/3.1+portforward.k8s.io");
  EXPECT_THAT(head, HasSubstr("Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n"));
  TestWebSocket outer(peer);
  net::SpdyFieldWriter writer;
  auto open = [&](uint32_t id, const char* type) {
    net::Headers fields;
    fields.add("streamType", type);
    fields.add("port", std::to_string(echo.port()));
    fields.add("requestID", "0");
    outer.send(2, TestSpdy::control(
                      1, 0, TestSpdy::bytes(id) + TestSpdy::bytes(0) + std::string(2, '\0') + writer.write(fields)));
  };
  open(1, "error");
  open(3, "data");
  std::string frame = net::spdyData(3, "now", false);
  outer.send(2, frame.substr(0, 5));
  outer.send(2, frame.substr(5));
  std::string received;
  while (received.find("you said now") == std::string::npos) {
    auto [opcode, payload] = outer.next();
    ASSERT_EQ(opcode, 2);
    received += payload;
  }
}

TEST_F(PodStreams, PortForwardRunsOverPlainWebSocket) {
  Echo echo;
  TestPeer peer(world_.port());
  webSocket(peer, "portforward?ports=" + std::to_string(echo.port()) + ",1", "v4.channel.k8s.io");
  TestWebSocket client(peer);
  client.send(2, std::string("\0now", 4));
  auto channels = client.readChannels();
  std::string port = {static_cast<char>(echo.port() & 0xff), static_cast<char>(echo.port() >> 8)};
  EXPECT_EQ(channels[0], port + "you said now");
  EXPECT_EQ(channels[1], port);
  EXPECT_EQ(channels[2], std::string("\x01\0", 2));
  EXPECT_THAT(channels[3], HasSubstr("connection refused"));
  TestPeer other(world_.port());
  EXPECT_THAT(webSocket(other, "portforward", "v4.channel.k8s.io"), HasSubstr("400 Bad Request"));
}

}  // namespace
}  // namespace wherry::apiserver
