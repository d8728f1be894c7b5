// The sockets: UDP, TCP and forwarding over loopback, and a zone that is visible to the next query.
#include "clusterdns/server.h"

#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterdns/forwarder.h"
#include "clusterdns/resolv_conf.h"
#include "clusterdns/socket_address.h"
#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

constexpr int kPatienceMillis = 5000;

std::shared_ptr<const Zone> zoneWith(const std::string& clusterIp) {
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  builder.setNamespace("default", true);
  json::Value service =
      json::parseYaml("{metadata: {name: web, namespace: default}, spec: {clusterIP: " + clusterIp + "}}");
  builder.setService("default", "web", renderService(domain, service, {}));
  return builder.snapshot();
}

base::Fd connectTo(uint16_t port, int type, const char* ip = "127.0.0.1") {
  SocketAddress address = SocketAddress::of(ip, port);
  base::Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), address.get(), address.size) != 0) base::throwErrno("connect");
  return fd;
}

std::string receive(int fd) {
  pollfd ready{fd, POLLIN, 0};
  if (::poll(&ready, 1, kPatienceMillis) != 1) return {};
  std::string buffer(65536, '\0');
  ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
  buffer.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return buffer;
}

std::string askUdp(uint16_t port, const std::string& name, dns::Type type = dns::Type::kA) {
  base::Fd fd = connectTo(port, SOCK_DGRAM);
  std::string query = dns::writeQuery(77, dns::Name::of(name), type, 1232);
  ::send(fd.get(), query.data(), query.size(), 0);
  auto message = dns::readMessage(receive(fd.get()));
  return message ? dns::renderMessage(*message) : "no answer";
}

std::string framed(const std::string& message) {
  return std::string{static_cast<char>(message.size() >> 8), static_cast<char>(message.size())} + message;
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() {
    char name[] = "/tmp/wherry-dns-XXXXXX";
    directory_ = ::mkdtemp(name);
    resolvConf_ = directory_ + "/resolv.conf";
    base::writeFileAtomic(resolvConf_, "");
  }
  ~ServerTest() override {
    ::unlink(resolvConf_.c_str());
    ::rmdir(directory_.c_str());
  }

  std::unique_ptr<Server> start(ServiceLimits limits = {}) {
    return startServer(
        {.address = "127.0.0.1", .port = 0, .threads = 2, .resolvConf = resolvConf_, .limits = std::move(limits)},
        zoneWith("10.96.0.7"));
  }

  std::string directory_, resolvConf_;
};

TEST_F(ServerTest, AnswersOverUdp) {
  auto server = start();
  EXPECT_EQ(askUdp(server->port(), "web.default.svc.cluster.local"),
            "NOERROR aa\n;; ANSWER\nweb.default.svc.cluster.local. 5 IN A 10.96.0.7\n");
}

TEST_F(ServerTest, AnswersSeveralQueriesOfOneTcpConnection) {
  auto server = start();
  base::Fd fd = connectTo(server->port(), SOCK_STREAM);
  std::string query = framed(dns::writeQuery(77, dns::Name::of("web.default.svc.cluster.local"), dns::Type::kA, 1232));
  std::string both = query + query;
  // In pieces, as the network may deliver them.
  ::send(fd.get(), both.data(), 5, 0);
  ::send(fd.get(), both.data() + 5, both.size() - 5, 0);
  std::string answers;
  while (answers.size() < 4 || answers.size() < 2 * (2 + ((answers[0] & 255u) << 8 | (answers[1] & 255u)))) {
    std::string more = receive(fd.get());
    ASSERT_FALSE(more.empty());
    answers += more;
  }
  size_t size = (answers[0] & 255u) << 8 | (answers[1] & 255u);
  EXPECT_EQ(answers.substr(0, 2 + size), answers.substr(2 + size));
  EXPECT_EQ(dns::readMessage(answers.substr(2, size))->answer.size(), 1u);
}

// One message of a TCP connection; "" when it was closed before.
std::string receiveFramed(int fd) {
  std::string got;
  for (size_t wanted = 2; got.size() < wanted;) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMillis) != 1) return {};
    char buffer[4096];
    ssize_t size = ::recv(fd, buffer, std::min(wanted - got.size(), sizeof buffer), 0);
    if (size <= 0) return {};
    got.append(buffer, static_cast<size_t>(size));
    if (got.size() >= 2) wanted = 2 + ((got[0] & 255u) << 8 | (got[1] & 255u));
  }
  return got.substr(2);
}

std::string askTcp(int fd, const std::string& name, dns::Type type = dns::Type::kA) {
  std::string query = framed(dns::writeQuery(77, dns::Name::of(name), type, 1232));
  ::send(fd, query.data(), query.size(), MSG_NOSIGNAL);
  auto message = dns::readMessage(receiveFramed(fd));
  return message ? dns::renderMessage(*message) : "no answer";
}

constexpr const char* kWeb = "web.default.svc.cluster.local";
constexpr const char* kWebAnswer = "NOERROR aa\n;; ANSWER\nweb.default.svc.cluster.local. 5 IN A 10.96.0.7\n";

TEST_F(ServerTest, AClientThatHasNothingMoreToAskGetsItsAnswers) {
  auto server = start();
  base::Fd fd = connectTo(server->port(), SOCK_STREAM);
  std::string query = framed(dns::writeQuery(77, dns::Name::of(kWeb), dns::Type::kA, 1232));
  std::string three = query + query + query;
  ::send(fd.get(), three.data(), three.size(), 0);
  ::shutdown(fd.get(), SHUT_WR);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(dns::readMessage(receiveFramed(fd.get()))->answer.size(), 1u);
  EXPECT_EQ(receiveFramed(fd.get()), "") << "and the end";
}

TEST_F(ServerTest, AClientHasOnlySoManyConnections) {
  auto server = start({.tcpConnections = 100, .tcpConnectionsPerClient = 2});
  base::Fd first = connectTo(server->port(), SOCK_STREAM), second = connectTo(server->port(), SOCK_STREAM);
  EXPECT_EQ(askTcp(first.get(), kWeb), kWebAnswer);
  EXPECT_EQ(askTcp(second.get(), kWeb), kWebAnswer);
  base::Fd third = connectTo(server->port(), SOCK_STREAM);
  EXPECT_EQ(askTcp(third.get(), kWeb), "no answer");
  EXPECT_EQ(askTcp(first.get(), kWeb), kWebAnswer) << "the others go on";
}

TEST_F(ServerTest, OfTooManyConnectionsTheIdlestGoes) {
  auto server = start({.tcpConnections = 2});
  base::Fd first = connectTo(server->port(), SOCK_STREAM), second = connectTo(server->port(), SOCK_STREAM);
  EXPECT_EQ(askTcp(first.get(), kWeb), kWebAnswer);
  EXPECT_EQ(askTcp(second.get(), kWeb), kWebAnswer);
  EXPECT_EQ(askTcp(first.get(), kWeb), kWebAnswer);
  base::Fd third = connectTo(server->port(), SOCK_STREAM);
  EXPECT_EQ(askTcp(third.get(), kWeb), kWebAnswer);
  EXPECT_EQ(askTcp(second.get(), kWeb), "no answer");
  EXPECT_EQ(askTcp(first.get(), kWeb), kWebAnswer);
}

TEST_F(ServerTest, AnIdleConnectionIsClosedAlsoWhenHalfAQueryCame) {
  auto server = start({.tcpIdle = std::chrono::milliseconds(50)});
  base::Fd idle = connectTo(server->port(), SOCK_STREAM), half = connectTo(server->port(), SOCK_STREAM);
  ::send(half.get(), "\0\x20half", 6, 0);
  EXPECT_EQ(receiveFramed(idle.get()), "");
  EXPECT_EQ(receiveFramed(half.get()), "");
}

TEST_F(ServerTest, AClientThatReadsNothingDoesNotFillOurMemory) {
  auto server = start();
  base::Fd fd = connectTo(server->port(), SOCK_STREAM);
  std::string query = framed(dns::writeQuery(77, dns::Name::of(kWeb), dns::Type::kA, 1232)), many;
  for (int i = 0; i < 1000; ++i) many += query;
  // Both sides' buffers are full at some time: then we are not read from any more.
  size_t sent = 0;
  for (pollfd ready{fd.get(), POLLOUT, 0}; sent < (256u << 20) && ::poll(&ready, 1, 500) == 1;) {
    ssize_t count = ::send(fd.get(), many.data() + sent % query.size(), many.size() - query.size(), MSG_DONTWAIT);
    if (count > 0) sent += static_cast<size_t>(count);
  }
  EXPECT_LT(sent, 256u << 20);
  EXPECT_EQ(askUdp(server->port(), kWeb), kWebAnswer);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(dns::readMessage(receiveFramed(fd.get()))->answer.size(), 1u);
}

TEST_F(ServerTest, StrangersAreLimitedUnlessTheyHaveACookie) {
  auto server = start({.answersPerSecond = 1});
  EXPECT_EQ(askUdp(server->port(), kWeb), kWebAnswer);
  base::Fd fd = connectTo(server->port(), SOCK_DGRAM);
  // With a client's half only: limited like anybody, but told the other half.
  std::string query = dns::writeQuery(77, dns::Name::of(kWeb), dns::Type::kA, 1232);
  query[query.size() - 1] = 12;
  query += std::string(
      "\0\x0a\0\x08"
      "clientid",
      12);
  // Some queries are dropped and, when a second has passed, one is answered.
  std::optional<dns::Message> message;
  for (int i = 0; i < 1000 && !(message && message->truncated); ++i) {
    ::send(fd.get(), query.data(), query.size(), 0);
    pollfd ready{fd.get(), POLLIN, 0};
    if (::poll(&ready, 1, 50) == 1) message = dns::readMessage(receive(fd.get()));
  }
  ASSERT_TRUE(message && message->truncated);
  EXPECT_TRUE(message->answer.empty());
  ASSERT_EQ(message->options.size(), 28u);
  query.replace(query.size() - 12, 12, message->options);
  query[query.size() - 29] = 28;
  for (int i = 0; i < 20; ++i) {
    ::send(fd.get(), query.data(), query.size(), 0);
    EXPECT_EQ(dns::readMessage(receive(fd.get()))->answer.size(), 1u);
  }
}

TEST_F(ServerTest, TheClusterItselfIsNotLimited) {
  auto server = start({.trusted = Prefixes::parse({"127.0.0.0/8"}), .answersPerSecond = 1});
  for (int i = 0; i < 100; ++i) ASSERT_EQ(askUdp(server->port(), kWeb), kWebAnswer);
}

TEST_F(ServerTest, TheZoneIsTransferredToThoseWhoMayHaveIt) {
  auto server = start({.transferTo = Prefixes::parse({"127.0.0.1"})});
  base::Fd fd = connectTo(server->port(), SOCK_STREAM);
  EXPECT_EQ(askTcp(fd.get(), "cluster.local", dns::Type::kAxfr),
            "NOERROR aa\n;; ANSWER\n"
            "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 2 7200 1800 86400 0\n"
            "cluster.local. 5 IN NS kube-dns.kube-system.svc.cluster.local.\n"
            "dns-version.cluster.local. 5 IN TXT \"1.1.0\"\n"
            "web.default.svc.cluster.local. 5 IN A 10.96.0.7\n"
            "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 2 7200 1800 86400 0\n");
  EXPECT_EQ(askTcp(fd.get(), "svc.cluster.local", dns::Type::kAxfr), "REFUSED\n") << "only the whole zone";
  EXPECT_EQ(askTcp(fd.get(), kWeb), kWebAnswer) << "the connection goes on";
  EXPECT_EQ(askUdp(server->port(), "cluster.local", dns::Type::kAxfr), "REFUSED\n") << "not over UDP";
}

// More than waits for a client at once.
TEST_F(ServerTest, ALargeZoneIsTransferredToItsEnd) {
  auto server = start({.transferTo = Prefixes::parse({"127.0.0.1"})});
  dns::Name domain = dns::Name::of("cluster.local.");
  ZoneBuilder builder(domain);
  constexpr size_t kServices = 3000;
  for (size_t i = 0; i < kServices; ++i) {
    std::string name = "s" + std::to_string(i);
    json::Value service = {{"metadata", {{"name", name}, {"namespace", "a"}}},
                           {"spec", {{"clusterIP", fmt::format("10.96.{}.{}", i / 250, i % 250)}}}};
    builder.setService("a", name, renderService(domain, service, {}));
  }
  server->publish(builder.snapshot());
  base::Fd fd = connectTo(server->port(), SOCK_STREAM);
  std::string query = framed(dns::writeQuery(77, domain, dns::Type::kAxfr, std::nullopt));
  ::send(fd.get(), query.data(), query.size(), 0);
  size_t records = 0;
  for (size_t ends = 0; ends < 2;) {
    auto message = dns::readMessage(receiveFramed(fd.get()));
    ASSERT_TRUE(message) << "after " << records << " records";
    records += message->answer.size();
    for (const dns::Record& record : message->answer) ends += dns::typeOf(record.data) == dns::Type::kSoa;
  }
  EXPECT_EQ(records, kServices + 4);
}

TEST_F(ServerTest, NobodyElseMayHaveTheZone) {
  auto server = start();
  base::Fd fd = connectTo(server->port(), SOCK_STREAM);
  EXPECT_EQ(askTcp(fd.get(), "cluster.local", dns::Type::kAxfr), "REFUSED\n");
}

TEST_F(ServerTest, APublishedZoneIsInTheVeryNextAnswer) {
  auto server = start();
  for (int i = 1; i < 200; ++i) {
    std::string ip = "10.96.1." + std::to_string(i);
    server->publish(zoneWith(ip));
    EXPECT_EQ(askUdp(server->port(), "web.default.svc.cluster.local"),
              "NOERROR aa\n;; ANSWER\nweb.default.svc.cluster.local. 5 IN A " + ip + "\n");
  }
}

TEST_F(ServerTest, WithoutAResolverOtherNamesFailAtOnce) {
  auto server = start();
  EXPECT_EQ(askUdp(server->port(), "www.example.com"), "SERVFAIL\n");
}

TEST_F(ServerTest, GarbageIsDroppedAndTheNextQueryAnswered) {
  auto server = start();
  base::Fd fd = connectTo(server->port(), SOCK_DGRAM);
  for (const std::string& garbage : {std::string("x"), std::string(12, '\xff'), std::string(1000, '\0')}) {
    ::send(fd.get(), garbage.data(), garbage.size(), 0);
  }
  EXPECT_TRUE(askUdp(server->port(), "web.default.svc.cluster.local").starts_with("NOERROR"));
}

// A resolver on 127.0.0.2 that answers every A question with 203.0.113.9.
class FakeResolver {
 public:
  FakeResolver() : fd_(bindSocket("127.0.0.2", 0, SOCK_DGRAM)), thread_([this](std::stop_token stop) { run(stop); }) {}
  ~FakeResolver() {
    thread_.request_stop();
    base::Fd wake = connectTo(port(), SOCK_DGRAM, "127.0.0.2");  // whatever arrives ends the wait
    ::send(wake.get(), "", 0, 0);
  }

  uint16_t port() const {
    SocketAddress address;
    address.size = sizeof address.storage;
    ::getsockname(fd_.get(), address.get(), &address.size);
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  }

 private:
  void run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      pollfd ready{fd_.get(), POLLIN, 0};
      ::poll(&ready, 1, kPatienceMillis);
      std::string buffer(4096, '\0');
      SocketAddress from;
      from.size = sizeof from.storage;
      ssize_t size = ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.size);
      auto query = dns::Query::read(std::string_view(buffer).substr(0, size > 0 ? static_cast<size_t>(size) : 0));
      if (!query) continue;
      dns::ResponseWriter writer;
      writer.reset(*query, 1232);
      writer.addAddress(dns::Section::kAnswer, query->lowerFrom(0), 60, std::string("\xcb\x00\x71\x09", 4));
      std::string_view response = writer.finish();
      ::sendto(fd_.get(), response.data(), response.size(), 0, from.get(), from.size);
    }
  }

  base::Fd fd_;
  std::jthread thread_;
};

TEST(NameserversTest, NeverALoopbackStubNorOurselves) {
  EXPECT_EQ(parseNameservers("# comment\nnameserver 127.0.0.53\nnameserver 10.96.0.10\nnameserver 192.0.2.1\n"
                             "search example.com\nnameserver\t2001:db8::1\nnameserver ::1\nnameserver nonsense\n",
                             "10.96.0.10"),
            (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
}

TEST(ForwarderTest, OnlyTheServersAnswerToTheQuestionIsTaken) {
  FakeResolver resolver;
  net::EventLoop loop;
  Forwarder forwarder(loop, resolver.port());
  forwarder.setServers({"127.0.0.2"});
  std::optional<std::string> got;
  loop.post([&] {
    forwarder.ask(dns::writeQuery(77, dns::Name::of("www.example.com"), dns::Type::kA, 1232), Transport::kUdp,
                  [&](std::optional<std::string> reply) {
                    got = std::move(reply);
                    loop.stop();
                  });
  });
  loop.run();
  ASSERT_TRUE(got);
  auto message = dns::readMessage(*got);
  EXPECT_EQ(message->id, 77);
  EXPECT_EQ(dns::renderRecord(message->answer.at(0)), "www.example.com. 60 IN A 203.0.113.9");
}

TEST(ForwarderTest, NobodyToAskIsNoAnswer) {
  net::EventLoop loop;
  Forwarder forwarder(loop);
  bool called = false;
  forwarder.ask(dns::writeQuery(77, dns::Name::of("www.example.com"), dns::Type::kA, 1232), Transport::kUdp,
                [&](std::optional<std::string> reply) { called = !reply; });
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace wherry::clusterdns
