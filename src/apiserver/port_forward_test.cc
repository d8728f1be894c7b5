// port-forward as its clients speak it, byte by byte, with a node of the test's.
#include "apiserver/port_forward.h"

#include <thread>

#include <gmock/gmock.h>

#include "apiserver/pod_streams_fixture.h"

namespace wherry::apiserver {
namespace {

using net::TestPeer;
using net::TestSpdy;
using net::TestWebSocket;
using testing::HasSubstr;
using testing::StartsWith;

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

class PortForward : public PodStreamsTest {
 protected:
  PortForward() : PodStreamsTest(std::make_shared<DialingNode>()) {}
};

TEST_F(PortForward, JoinsEachPairOfStreams) {
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

TEST_F(PortForward, SaysThatNobodyListens) {
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

TEST_F(PortForward, RunsInAWebSocketsTunnel) {
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

TEST_F(PortForward, RunsOverPlainWebSocket) {
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
