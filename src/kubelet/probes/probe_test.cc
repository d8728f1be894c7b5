#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kubelet/probes/grpc_probe.h"
#include "kubelet/probes/http_probe.h"
#include "kubelet/probes/lifecycle_hook.h"
#include "kubelet/probes/probe_action.h"
#include "kubelet/probes/probe_counter.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

core_v1::Pod probed(const std::string& probe) {
  return makePod("containers: [{name: web, ports: [{name: http, containerPort: 8080}], readinessProbe: " + probe +
                 "}]");
}

// The verdicts after each answer: "+" success, "-" failure, "?" not known yet.
std::string verdicts(const char* probe, std::string_view answers) {
  auto pod = probed(probe);
  ProbeCounter counter;
  std::string out;
  for (char answer : answers) {
    counter.add(answer == '+', pod.spec().containers()[0].readinessProbe());
    out += counter.verdict == ProbeResult::kUnknown ? '?' : counter.verdict == ProbeResult::kSuccess ? '+' : '-';
  }
  return out;
}

TEST(ProbeCounter, CountsAnswersInARowAgainstTheThresholds) {
  EXPECT_EQ(verdicts("{}", "+---+"), "+++-+");
  EXPECT_EQ(verdicts("{failureThreshold: 1}", "-+-"), "-+-");
  EXPECT_EQ(verdicts("{successThreshold: 2}", "+-++"), "???+");
  EXPECT_EQ(verdicts("{}", "--+--+---"), "??++++++-");
}

TEST(ProbePort, IsANumberOrTheNameOfAPort) {
  auto pod = probed("{tcpSocket: {port: http}}");
  auto container = pod.spec().containers()[0];
  EXPECT_EQ(findPort(container.readinessProbe().tcpSocket().port(), container), 8080);
  json::Value number = 9090, unknown = "nosuch";
  EXPECT_EQ(findPort(&number, container), 9090);
  EXPECT_EQ(findPort(&unknown, container), std::nullopt);
  EXPECT_EQ(findPort(nullptr, container), std::nullopt);
}

// Answers one HTTP request on a port of the loopback and ends.
class OneAnswer {
 public:
  explicit OneAnswer(std::string response) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 4);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, response = std::move(response)] {
      base::Fd connection(::accept(listener_.get(), nullptr, nullptr));
      char buffer[4096];
      ssize_t count = ::read(connection.get(), buffer, sizeof buffer);
      request_.assign(buffer, count > 0 ? static_cast<size_t>(count) : 0);
      if (count > 0) base::writeAll(connection.get(), response, "response");
      // What came later is read too: a close with bytes unread is a reset, and that takes the answer with it.
      ::shutdown(connection.get(), SHUT_WR);
      while (::read(connection.get(), buffer, sizeof buffer) > 0) continue;
    });
  }
  ~OneAnswer() { ::shutdown(listener_.get(), SHUT_RDWR); }  // wakes an accept() that nobody answered
  int port() const { return port_; }
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  base::Fd listener_;
  int port_ = 0;
  std::string request_;
  std::jthread thread_;
};

ProbeAnswer ask(const std::string& probe) {
  auto pod = probed(probe);
  auto container = pod.spec().containers()[0];
  return runProbe(container.readinessProbe(), {"127.0.0.1", container, [](auto& argv, auto) {
                                                 base::Finished finished;
                                                 finished.exitCode = argv[0] == "true" ? 0 : 1;
                                                 finished.out = "no luck";
                                                 return finished;
                                               }});
}

TEST(Probe, HttpSucceedsFrom200To399AndSendsWhatItWasTold) {
  OneAnswer server("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(ask("{httpGet: {path: '/ready?x=1', port: " + std::to_string(server.port()) +
                  ", httpHeaders: [{name: X-Who, value: me}]}}")
                  .success);
  std::string request = server.request();
  EXPECT_TRUE(request.starts_with("GET /ready?x=1 HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("X-Who: me\r\n"), std::string::npos) << request;
  EXPECT_NE(request.find("kube-probe/1.36"), std::string::npos) << request;
}

TEST(Probe, HttpSaysWhyItFails) {
  OneAnswer server("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  auto answer = ask("{httpGet: {path: /, port: " + std::to_string(server.port()) + "}}");
  EXPECT_FALSE(answer.success);
  EXPECT_EQ(answer.output, "HTTP probe failed with statuscode: 503");
  EXPECT_EQ(ask("{httpGet: {path: /, port: 1}}").output,
            "Get \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(Probe, HttpFollowsRedirectsWithinItsHostAlone) {
  OneAnswer target("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  OneAnswer local("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:" + std::to_string(target.port()) +
                  "/there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(ask("{httpGet: {path: /, port: " + std::to_string(local.port()) + "}}").success);
  EXPECT_TRUE(target.request().starts_with("GET /there HTTP/1.1\r\n"));
  OneAnswer away(
      "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.77:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(ask("{httpGet: {path: /, port: " + std::to_string(away.port()) + "}}").success) << "nobody went there";
  OneAnswer refused(
      "HTTP/1.1 302 Found\r\nLocation: //127.0.0.1:1/x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(ask("{httpGet: {path: /, port: " + std::to_string(refused.port()) + "}}").output,
            "Get \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(Location, IsResolvedAgainstTheUrlItCameFrom) {
  const HttpTarget from{"http", "10.0.0.1", 8080, "/a/b?c=d"};
  const std::pair<const char*, const char*> kCases[] = {
      {"/x", "http://10.0.0.1:8080/x"},
      {"x?y=z", "http://10.0.0.1:8080/a/x?y=z"},
      {"?q", "http://10.0.0.1:8080/a/b?q"},
      {"//other/x", "http://other:80/x"},
      {"https://other#part", "https://other:443/"},
      {"HTTPS://[::1]:8443/x", "https://[::1]:8443/x"},
      {"ftp://other/", "nowhere"},
      {"http://other:0/", "nowhere"},
      {"", "nowhere"},
  };
  for (auto [location, expected] : kCases) {
    auto to = resolveLocation(from, location);
    EXPECT_EQ(to ? to->url() : "nowhere", expected) << location;
  }
}

TEST(Probe, HttpHeadersMayReplaceTheUsualOnes) {
  OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  ask("{httpGet: {path: /, port: " + std::to_string(server.port()) +
      ", httpHeaders: [{name: Host, value: example.org}, {name: Accept, value: ''}]}}");
  std::string request = server.request();
  EXPECT_NE(request.find("Host: example.org\r\n"), std::string::npos) << request;
  EXPECT_EQ(request.find("Accept:"), std::string::npos) << request;
}

// HTTP/2 as a server speaks it (RFC 9113), without compression.
std::string frame(char type, char flags, char stream, const std::string& payload) {
  return std::string{'\0', '\0', static_cast<char>(payload.size()), type, flags, '\0', '\0', '\0', stream} + payload;
}
std::string field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) + value;
}
std::string grpcAnswer(const std::string& message, const std::string& status, const std::string& text = "") {
  std::string body = message.empty() ? "" : frame(0, 0, 1, net::frameGrpcMessage(message));
  std::string trailers = field("grpc-status", status) + (text.empty() ? "" : field("grpc-message", text));
  return frame(4, 0, 0, "") + frame(1, 4, 1, "\x88") + body + frame(1, 5, 1, trailers);
}

TEST(Probe, GrpcAsksTheHealthService) {
  struct Case {
    const char* name;
    std::string answer;
    std::string output;  // "" for a success
  };
  const Case kCases[] = {
      {"serving", grpcAnswer(std::string("\x08\x01", 2), "0"), ""},
      {"not serving", grpcAnswer(std::string("\x08\x02", 2), "0"),
       "service unhealthy (responded with \"NOT_SERVING\")"},
      {"nothing said is unknown", grpcAnswer(std::string("\x12\x00", 2), "0"),
       "service unhealthy (responded with \"UNKNOWN\")"},
      {"no such method", grpcAnswer("", "12", "unknown service%20x"),
       "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service x"},
      {"no such service", grpcAnswer("", "5", "unknown service"),
       "error: health rpc probe failed: rpc error: code = NotFound desc = unknown service"},
      {"not HTTP/2", "HTTP/1.1 400 Bad Request\r\n\r\n",
       "error: health rpc probe failed: rpc error: code = Unavailable desc = connection closed before an answer came"},
  };
  for (const Case& c : kCases) {
    OneAnswer server(c.answer);
    auto answer = ask("{grpc: {port: " + std::to_string(server.port()) + ", service: web}}");
    EXPECT_EQ(answer.success, c.output.empty()) << c.name;
    EXPECT_EQ(answer.output, c.output) << c.name;
    EXPECT_TRUE(server.request().starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) << c.name;
  }
  EXPECT_EQ(ask("{grpc: {port: 1}}").output,
            "timeout: failed to connect service \"127.0.0.1:1\" within 1s: context deadline exceeded");
}

TEST(Probe, GrpcSaysWhenTimeIsUp) {
  OneAnswer silent(frame(4, 0, 0, ""));
  EXPECT_EQ(judgeHealth({.outcome = net::GrpcAnswer::Outcome::kTimedOut}, "a:1", 2s).output,
            "timeout: health rpc did not complete within 2s");
}

TEST(GrpcHealth, MessagesAreProtocolBuffers) {
  EXPECT_EQ(renderHealthRequest(""), "");
  EXPECT_EQ(renderHealthRequest("web"), "\x0a\x03web");
  EXPECT_EQ(renderHealthRequest(std::string(200, 'x')).substr(0, 3), "\x0a\xc8\x01");
  EXPECT_EQ(parseHealthResponse(""), 0);
  EXPECT_EQ(parseHealthResponse(std::string("\x1a\x01z\x08\x01", 5)), 1) << "what is unknown is passed over";
  EXPECT_EQ(parseHealthResponse("\x08"), std::nullopt);
  EXPECT_EQ(parseHealthResponse("\x1a\x7f"), std::nullopt);
  EXPECT_EQ(parseHealthResponse(std::string(20, '\xff')), std::nullopt);
}

core_v1::LifecycleHandler hookOf(const core_v1::Pod& pod) { return pod.spec().containers()[0].lifecycle().postStart(); }

TEST(Hook, SaysHowItFailed) {
  auto run = [](const std::string& hook) {
    auto pod = makePod("containers: [{name: web, lifecycle: {postStart: " + hook + "}}]");
    ProbeTarget target{"127.0.0.1", pod.spec().containers()[0],
                       [](auto&, auto) { return base::Finished{.exitCode = 3, .out = "said\n", .err = "no"}; }};
    return runHook(hookOf(pod), target, "web_default(1)", 100ms, {});
  };
  EXPECT_EQ(
      run("{exec: {command: [sh, -c, x]}}").output,
      "Exec lifecycle hook ([sh -c x]) for Container \"web\" in Pod \"web_default(1)\" failed - error: command 'sh "
      "-c x' exited with 3: no, message: \"said\nno\"");
  EXPECT_EQ(run("{httpGet: {path: /x, port: 1}}").output,
            "HTTP lifecycle hook (/x) for Container \"web\" in Pod \"web_default(1)\" failed - error: Get "
            "\"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused");
  EXPECT_FALSE(run("{tcpSocket: {port: 1}}").success) << "it can be written down, and fails";
  EXPECT_TRUE(run("{sleep: {seconds: 0}}").success);
  EXPECT_TRUE(run("{sleep: {seconds: 5}}").success) << "no longer than there is time";
  OneAnswer server("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(run("{httpGet: {port: " + std::to_string(server.port()) + "}}").success) << "any answer is one";
}

TEST(Probe, TcpOnlyConnects) {
  OneAnswer server("");
  EXPECT_TRUE(ask("{tcpSocket: {port: " + std::to_string(server.port()) + "}}").success);
  EXPECT_EQ(ask("{tcpSocket: {port: 1}}").output, "dial tcp 127.0.0.1:1: connect: connection refused");
}

TEST(Probe, ExecFollowsTheExitCode) {
  EXPECT_TRUE(ask("{exec: {command: ['true']}}").success);
  auto answer = ask("{exec: {command: ['false']}}");
  EXPECT_FALSE(answer.success);
  EXPECT_EQ(answer.output, "no luck");
}

}  // namespace
}  // namespace wherry::kubelet
