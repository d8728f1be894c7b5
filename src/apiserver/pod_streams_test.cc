// exec and attach as their clients speak them, byte by byte, with a node of the test's.
#include "apiserver/pod_streams.h"

#include <condition_variable>
#include <mutex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apiserver/pod_streams_fixture.h"
#include "base/encoding.h"

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
class Node : public DialingNode {
 public:
  client::StartProcess exec(std::string_view, std::string_view, std::string_view,
                            const client::ProcessOptions& options) override {
    if (options.command[0] == "missing") throw meta::StatusError(500, "", "container not found (\"c\")");
    return [this, options](std::shared_ptr<client::ProcessStreams> streams) { run(options, std::move(streams)); };
  }
  client::StartProcess attach(std::string_view, std::string_view, std::string_view,
                              const client::ProcessOptions& options) override {
    return [options](std::shared_ptr<client::ProcessStreams> streams) {
      streams->write(client::ProcessStreams::Output::kStdout, "attached to " + options.container);
      streams->finish({.exitCode = 7});
    };
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

  std::shared_ptr<client::ProcessStreams> held_;
};

class PodStreams : public PodStreamsTest {
 protected:
  PodStreams() : PodStreamsTest(std::make_shared<Node>()) {}

  Node& node() { return static_cast<Node&>(*node_); }
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
  EXPECT_TRUE(node().notes.waitFor("80x24 81x25"));
}

TEST_F(PodStreams, TheNodeLearnsAtOnceThatTheClientHasGone) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=wait&stdin=1&stdout=1");
  TestSpdy client(peer);
  for (auto type : {"error", "stdin", "stdout"}) client.open({{"streamType", type}});
  client.until([&] { return client.replied.size() == 3; });
  peer.close();
  EXPECT_TRUE(node().notes.waitFor("gone"));
}

TEST_F(PodStreams, AClientThatDoesNotReadHoldsTheProcessBack) {
  TestPeer peer(world_.port());
  spdy(peer, "exec?command=flood&stdout=1");
  TestSpdy client(peer);
  client.open({{"streamType", "error"}});
  auto out = client.open({{"streamType", "stdout"}});
  EXPECT_TRUE(node().notes.waitFor("full"));
  client.until([&] { return client.received[out].size() > 250'000; });
  EXPECT_TRUE(node().notes.waitFor("writable"));
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
  client.send(9, "are you there");
  EXPECT_EQ(client.next(), (std::pair<int, std::string>(10, "are you there"))) << "nothing comes unasked";
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

}  // namespace
}  // namespace wherry::apiserver
