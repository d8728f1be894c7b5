#include "kubelet/probes/network_probe.h"

#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "kubelet/probes/probe_counter.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

core_v1::Pod probed(const std::string& probe) {
  return makePod("containers: [{name: web, ports: [{name: http, containerPort: 8080}], readinessProbe: " + probe +
                 "}]");
}

std::optional<NetworkProbe> network(const std::string& probe) {
  auto pod = probed(probe);
  auto container = pod.spec().containers()[0];
  return networkProbeOf(container.readinessProbe(), {"10.244.0.7", container, nullptr});
}

TEST(NetworkProbe, IsOneThatNeedsNoMoreThanAnAddress) {
  auto http = network("{httpGet: {path: '/ready?x=1', port: http, scheme: HTTPS}}");
  ASSERT_TRUE(http);
  EXPECT_EQ(http->url, "https://10.244.0.7:8080/ready?x=1");
  EXPECT_TRUE(http->tls);
  EXPECT_EQ(http->request.substr(0, http->request.find('\r')), "GET /ready?x=1 HTTP/1.1");
  auto tcp = network("{tcpSocket: {port: 80, host: 127.0.0.1}}");
  ASSERT_TRUE(tcp);
  EXPECT_EQ(tcp->endpoint.host, "127.0.0.1");
  EXPECT_EQ(tcp->request, "");
  EXPECT_FALSE(network("{exec: {command: ['true']}}"));
  EXPECT_FALSE(network("{httpGet: {port: 80, host: example.org}}")) << "a name has to be resolved";
  EXPECT_FALSE(network("{httpGet: {port: nosuch}}"));
  EXPECT_FALSE(network("{httpGet: {port: 80, path: \"/a\\r\\nb\"}}")) << "can't be sent";
}

// Accepts on a port of the loopback and answers each connection with these pieces, one write each; then closes it, or
// keeps it open.
class Peer {
 public:
  enum class End { kClose, kStay };
  explicit Peer(std::vector<std::string> pieces, End end = End::kClose)
      : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 4);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, pieces = std::move(pieces), end] {
      base::Fd connection(::accept(listener_.get(), nullptr, nullptr));
      char buffer[4096];
      if (!connection || ::read(connection.get(), buffer, sizeof buffer) <= 0) return;
      for (const std::string& piece : pieces) ::send(connection.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
      if (end == End::kStay) kept_ = std::move(connection);
    });
  }
  ~Peer() { ::shutdown(listener_.get(), SHUT_RDWR); }  // wakes an accept() that nobody answered
  int port() const { return port_; }

 private:
  base::Fd listener_, kept_;
  int port_ = 0;
  std::jthread thread_;
};

// What the loop finds out; "redirected" when it is left to others.
std::string ask(const std::string& probe, std::chrono::milliseconds timeout = 5s,
                std::chrono::milliseconds untilLookAt = 0ms) {
  auto asked = network(probe);
  if (!asked) return "no network probe";
  net::EventLoop loop;
  std::string said = "nothing";
  loop.post([&] {
    ProbeWait wait{.timeout = timeout, .lookAt = loop.now() + untilLookAt};
    startNetworkProbe(loop, std::make_shared<NetworkProbe>(*asked), nullptr, wait, [&](auto answer) {
      said = !answer ? "redirected" : answer->success ? "success" : answer->output;
      loop.stop();
    });
  });
  loop.run();
  return said;
}

std::string askHttp(const Peer& peer, std::chrono::milliseconds timeout = 5s,
                    std::chrono::milliseconds untilLookAt = 0ms) {
  std::string said =
      ask("{httpGet: {path: /x, host: 127.0.0.1, port: " + std::to_string(peer.port()) + "}}", timeout, untilLookAt);
  std::string url = "Get \"http://127.0.0.1:" + std::to_string(peer.port()) + "/x\": ";
  return said.starts_with(url) ? "Get: " + said.substr(url.size()) : said;
}

struct HttpCase {
  const char* what;
  std::vector<std::string> pieces;
  const char* expected;
  Peer::End end = Peer::End::kClose;
};

TEST(NetworkProbe, HttpSaysWhatTheAnswerMeans) {
  const HttpCase cases[] = {
      {"200 without a body", {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}, "success", Peer::End::kStay},
      {"a head in two pieces", {"HTTP/1.1 2", "04 No Content\r\n\r\n"}, "success", Peer::End::kStay},
      {"a whole body", {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "llo"}, "success", Peer::End::kStay},
      {"chunks",
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", "0\r\n\r\n"},
       "success",
       Peer::End::kStay},
      {"a body until the end", {"HTTP/1.1 200 OK\r\n\r\nhello"}, "success"},
      {"more of a body than is waited for",
       {"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + std::string(20000, 'x')},
       "success",
       Peer::End::kStay},
      {"an interim answer before",
       {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
       "success",
       Peer::End::kStay},
      {"400 and more", {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"}, "HTTP probe failed with statuscode: 503"},
      {"a redirection", {"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"}, "redirected"},
      {"304 leads nowhere", {"HTTP/1.1 304 Not Modified\r\n\r\n"}, "success", Peer::End::kStay},
      {"nothing", {}, "Get: EOF"},
      {"half a body", {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"}, "Get: unexpected EOF"},
  };
  for (const HttpCase& c : cases) {
    Peer peer(c.pieces, c.end);
    EXPECT_EQ(askHttp(peer), c.expected) << c.what;
    Peer lookedAtLater(c.pieces, c.end);
    EXPECT_EQ(askHttp(lookedAtLater, 5s, 20ms), c.expected) << c.what << ", looked at later";
  }
  Peer other({"SSH-2.0-OpenSSH_9.2\r\n\r\n"});
  EXPECT_TRUE(askHttp(other).starts_with("Get: net/http: HTTP/1.x transport connection broken"));
}

TEST(NetworkProbe, EndsAtItsTimeout) {
  Peer silent({}, Peer::End::kStay);
  EXPECT_EQ(askHttp(silent, 20ms), "Get: context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
  Peer slow({"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"}, Peer::End::kStay);
  EXPECT_EQ(askHttp(slow, 20ms),
            "Get: context deadline exceeded (Client.Timeout or context cancellation while reading body)");
}

TEST(NetworkProbe, OneThatIsLookedAtLaterEndsAtItsTimeoutToo) {
  Peer silent({}, Peer::End::kStay);
  const char* expected = "Get: context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  EXPECT_EQ(askHttp(silent, 40ms, 20ms), expected);
  Peer another({}, Peer::End::kStay);
  EXPECT_EQ(askHttp(another, 20ms, 1h), expected) << "a look that would come too late";
}

TEST(NetworkProbe, TcpOnlyConnects) {
  Peer peer({});
  EXPECT_EQ(ask("{tcpSocket: {host: 127.0.0.1, port: " + std::to_string(peer.port()) + "}}"), "success");
  EXPECT_EQ(ask("{tcpSocket: {host: 127.0.0.1, port: 1}}"), "dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_EQ(ask("{httpGet: {host: 127.0.0.1, port: 1}}"),
            "Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(FirstProbe, ComesAfterItsDelayAndForAdoptedContainersAtSomeMomentOfThePeriod) {
  ProbeTimes times{.initialDelay = 5s, .period = 10s};
  EXPECT_EQ(firstProbeAfter(times, 0s, 0), 5s);
  EXPECT_EQ(firstProbeAfter(times, 3s, 0), 2s);
  EXPECT_EQ(firstProbeAfter(times, 60s, 0), 0s);
  EXPECT_EQ(firstProbeAfter(times, 60s, 0.25), 2500ms);
  EXPECT_EQ(firstProbeAfter(times, -60s, 0), 5s) << "the clock went back";
}

TEST(NextProbe, ComesAPeriodLaterAtTheMomentsThatAllShare) {
  ProbeTimes times{.period = 10s};
  auto at = [](std::chrono::milliseconds sinceBoot) { return base::MonotonicTime(sinceBoot); };
  EXPECT_EQ(nextProbe(at(1000ms), times, at(1003ms)), at(11000ms));
  EXPECT_EQ(nextProbe(at(1001ms), times, at(1003ms)), at(11025ms));
  EXPECT_EQ(nextProbe(at(1024ms), times, at(1030ms)), at(11025ms));
  EXPECT_EQ(nextProbe(at(1000ms), times, at(11000ms)), at(21000ms)) << "it has missed one";
  EXPECT_EQ(nextProbe(at(1000ms), times, at(42001ms)), at(52025ms)) << "it has missed many";
}

}  // namespace
}  // namespace wherry::kubelet
