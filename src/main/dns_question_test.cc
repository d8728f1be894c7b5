#include "main/dns_question.h"

#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "main/socket_target.h"

namespace wherry::main {
namespace {

constexpr std::chrono::seconds kPatience{20};

// A server on 127.0.0.1 that answers one question by UDP, truncated, and one by TCP.
class OneServer {
 public:
  OneServer() : udp_(bound(SOCK_DGRAM, 0)), tcp_(bound(SOCK_STREAM, port(udp_))) {
    ::listen(tcp_.get(), 1);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneServer() { thread_.join(); }
  std::string address() const { return targetText("127.0.0.1", port(udp_)); }

 private:
  static base::Fd bound(int type, uint16_t port) {
    base::Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_port = htons(port);
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
    return fd;
  }
  static uint16_t port(const base::Fd& fd) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size);
    return ntohs(own.sin_port);
  }

  static std::string respond(std::string_view packet, bool truncated) {
    auto query = dns::Query::read(packet);
    dns::ResponseWriter writer;
    writer.reset(*query, 1000);
    if (truncated) writer.setTruncated();
    if (!truncated) writer.addAddress(dns::Section::kAnswer, dns::Owner::question(), 5, {"\x0a\x60\x00\x01", 4});
    return std::string(writer.finish());
  }

  void serve() {
    char buffer[2000];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    ssize_t read = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
    std::string answer = respond({buffer, static_cast<size_t>(read)}, true);
    ::sendto(udp_.get(), "noise", 5, 0, reinterpret_cast<sockaddr*>(&from), size);
    ::sendto(udp_.get(), answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    base::Fd connection(::accept(tcp_.get(), nullptr, nullptr));
    read = ::recv(connection.get(), buffer, sizeof buffer, 0);
    answer = respond({buffer + 2, static_cast<size_t>(read) - 2}, false);
    answer.insert(0, {static_cast<char>(answer.size() >> 8), static_cast<char>(answer.size())});
    for (char byte : answer) ::send(connection.get(), &byte, 1, 0);
  }

  base::Fd udp_, tcp_;
  std::thread thread_;
};

TEST(DnsQuestionTest, WhatDoesNotFitIsAskedAgainByTcp) {
  OneServer server;
  auto reply = askDns(server.address(), dns::Name::of("web.default.svc.cluster.local"), dns::Type::kA, kPatience);
  ASSERT_TRUE(std::holds_alternative<dns::Message>(reply)) << std::get<std::string>(reply);
  const auto& answer = std::get<dns::Message>(reply).answer;
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(dns::renderRecord(answer[0]), "web.default.svc.cluster.local. 5 IN A 10.96.0.1");
}

TEST(DnsQuestionTest, ASilenceIsSaidInWords) {
  base::Fd silent(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof own;
  ASSERT_EQ(::bind(silent.get(), reinterpret_cast<sockaddr*>(&own), size), 0);
  ::getsockname(silent.get(), reinterpret_cast<sockaddr*>(&own), &size);
  std::string server = targetText("127.0.0.1", ntohs(own.sin_port));
  auto ask = [&](auto patience) {
    return std::get<std::string>(askDns(server, dns::Name::of("web"), dns::Type::kA, patience));
  };
  EXPECT_EQ(ask(std::chrono::milliseconds(20)), server + " does not answer within 20 ms");
  silent.reset();
  EXPECT_EQ(ask(kPatience), "nobody listens on " + server);
}

}  // namespace
}  // namespace wherry::main
