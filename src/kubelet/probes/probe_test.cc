#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

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
