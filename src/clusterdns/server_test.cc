// The sockets: UDP, TCP and forwarding over loopback, and a zone that is visible to the next query.
#include "clusterdns/server.h"

#include <cstdlib>
#include <ctime>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterdns/fake_resolver_test_support.h"
#include "clusterdns/reply_test_support.h"
#include "clusterdns/resolv_conf.h"
#include "clusterdns/socket_address.h"
#include "json/yaml.h"

namespace wherry::clusterdns {
namespace {

using test::FakeResolver;

constexpr int kPatienceMillis = 10'000;

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

// Every descriptor that the process may have.
std::vector<base::Fd> allDescriptors() {
  std::vector<base::Fd> taken;
  for (;;) {
    base::Fd fd(::dup(0));
    if (!fd) return taken;
    taken.push_back(std::move(fd));
  }
}

double cpuSeconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

TEST_F(ServerTest, WithoutDescriptorsItWaitsInsteadOfTurning) {
  auto server = start();
  EXPECT_EQ(askTcp(connectTo(server->port(), SOCK_STREAM).get(), kWeb), kWebAnswer);
  base::Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  SocketAddress address = SocketAddress::of("127.0.0.1", server->port());
  rlimit before{}, few{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  few = {.rlim_cur = 256, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  auto taken = allDescriptors();
  ASSERT_EQ(::connect(client.get(), address.get(), address.size), 0);
  double used = cpuSeconds();
  ::poll(nullptr, 0, 500);
  EXPECT_LT(cpuSeconds() - used, 0.1);
  taken.clear();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(askTcp(client.get(), kWeb), kWebAnswer) << "the client was only put off";
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

TEST(NameserversTest, NeverALoopbackStubNorOurselves) {
  EXPECT_EQ(parseNameservers("# comment\nnameserver 127.0.0.53\nnameserver 10.96.0.10\nnameserver 192.0.2.1\n"
                             "search example.com\nnameserver\t2001:db8::1\nnameserver ::1\nnameserver nonsense\n",
                             "10.96.0.10"),
            (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
}

// Names outside of the cluster, through all of it.
class ExternalTest : public ServerTest {
 protected:
  std::unique_ptr<Server> startWith(const FakeResolver& resolver, ServerOptions options = {}) {
    base::writeFileAtomic(resolvConf_, "nameserver 127.0.0.2\n");
    options.address = "127.0.0.1";
    options.port = 0;
    options.threads = 2;
    options.resolvConf = resolvConf_;
    options.forward.upstreams = {{.address = "127.0.0.2", .port = resolver.port()}};
    auto server = startServer(std::move(options), zoneWith("10.96.0.7"));
    return server;
  }
  // The server reads its configuration on its own thread.
  static std::string eventually(uint16_t port, const std::string& name, const std::string& expected) {
    std::string answer;
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (answer != expected && std::chrono::steady_clock::now() < end) answer = askUdp(port, name);
    return answer;
  }
};

std::optional<std::string> minute(const FakeResolver::Question& question) {
  return test::answerTo(question.packet, {.answer = {"www.example.com. 60 A 203.0.113.9"}});
}
constexpr const char* kWww = "NOERROR\n;; ANSWER\nwww.example.com. 60 IN A 203.0.113.9\n";

TEST_F(ExternalTest, ANameIsAskedOnceAndThenKnown) {
  FakeResolver resolver(minute);
  auto server = startWith(resolver);
  EXPECT_EQ(eventually(server->port(), "www.example.com", kWww), kWww);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(askUdp(server->port(), "WWW.example.com").starts_with("NOERROR\n;; ANSWER\n"));
  base::Fd tcp = connectTo(server->port(), SOCK_STREAM);
  EXPECT_TRUE(askTcp(tcp.get(), "www.example.com").starts_with("NOERROR\n;; ANSWER\nwww.example.com. "));
  EXPECT_EQ(resolver.asked(), 1);
}

TEST_F(ExternalTest, ThoseWhoAskAtTheSameTimeShareOneQuestion) {
  FakeResolver resolver([](const FakeResolver::Question& question) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return minute(question);
  });
  auto server = startWith(resolver);
  std::vector<base::Fd> clients;
  std::string query = dns::writeQuery(77, dns::Name::of("www.example.com"), dns::Type::kA, 1232);
  askUdp(server->port(), "other.example.com");  // it has read its configuration
  int before = resolver.asked();
  for (int i = 0; i < 50; ++i) {
    clients.push_back(connectTo(server->port(), SOCK_DGRAM));
    ::send(clients.back().get(), query.data(), query.size(), 0);
  }
  for (base::Fd& client : clients) EXPECT_EQ(dns::readMessage(receive(client.get()))->answer.size(), 1u);
  EXPECT_EQ(resolver.asked() - before, 1);
}

TEST_F(ExternalTest, ANameThatDoesNotExistIsKnownAsWell) {
  FakeResolver resolver([](const FakeResolver::Question& question) {
    return std::optional(
        test::answerTo(question.packet, {.rcode = dns::Rcode::kNxDomain, .soaTtl = 60, .soaMinimum = 60}));
  });
  auto server = startWith(resolver);
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(askUdp(server->port(), "nosuch.example.com").starts_with("NXDOMAIN\n;; AUTHORITY\n"));
  EXPECT_EQ(resolver.asked(), 1);
}

TEST_F(ExternalTest, WhatHasExpiredIsGivenWhileNobodyAnswers) {
  std::atomic<bool> down{false};
  FakeResolver resolver([&](const FakeResolver::Question& question) {
    if (down) return std::optional(test::answerTo(question.packet, {.rcode = dns::Rcode::kServFail}));
    return std::optional(test::answerTo(question.packet, {.answer = {"www.example.com. 1 A 203.0.113.9"}}));
  });
  auto server = startWith(resolver);
  EXPECT_EQ(eventually(server->port(), "www.example.com", "NOERROR\n;; ANSWER\nwww.example.com. 1 IN A 203.0.113.9\n")
                .substr(0, 7),
            "NOERROR");
  down = true;
  EXPECT_EQ(eventually(server->port(), "www.example.com", "NOERROR\n;; ANSWER\nwww.example.com. 30 IN A 203.0.113.9\n"),
            "NOERROR\n;; ANSWER\nwww.example.com. 30 IN A 203.0.113.9\n");
  EXPECT_EQ(askUdp(server->port(), "new.example.com"), "SERVFAIL\n");
}

TEST_F(ExternalTest, HostsEntriesAndStubDomainsComeFromTheConfigMapAtOnce) {
  FakeResolver resolver(minute), corporate([](const FakeResolver::Question&question) {
    return std::optional(test::answerTo(question.packet, {.answer = {"a.corp. 60 A 198.51.100.1"}}));
  });
  auto server = startWith(resolver);
  EXPECT_EQ(eventually(server->port(), "www.example.com", kWww), kWww);
  DnsConfigMap configMap;
  configMap.hosts = "192.0.2.7 boat.example\n";
  configMap.stubDomains = {{dns::Name::of("corp."), {{.address = "127.0.0.2", .port = corporate.port()}}}};
  server->configure(configMap);
  const char* boat = "NOERROR\n;; ANSWER\nboat.example. 5 IN A 192.0.2.7\n";
  EXPECT_EQ(eventually(server->port(), "boat.example", boat), boat);
  EXPECT_EQ(askUdp(server->port(), "a.corp"), "NOERROR\n;; ANSWER\na.corp. 60 IN A 198.51.100.1\n");
  EXPECT_EQ(askUdp(server->port(), "7.2.0.192.in-addr.arpa", dns::Type::kPtr),
            "NOERROR\n;; ANSWER\n7.2.0.192.in-addr.arpa. 5 IN PTR boat.example.\n");
  server->configure({});
  EXPECT_EQ(eventually(server->port(), "boat.example", kWww), kWww) << "the resolver's word again";
}

TEST_F(ExternalTest, AHostsFileIsFollowed) {
  FakeResolver resolver(minute);
  std::string file = directory_ + "/hosts";
  auto server = startWith(resolver, {.forward = {.hostsFile = file}});
  EXPECT_EQ(eventually(server->port(), "www.example.com", kWww), kWww);
  for (const char* ip : {"192.0.2.7", "192.0.2.8"}) {
    base::writeFileAtomic(file, std::string(ip) + " boat.example\n");
    std::string expected = std::string("NOERROR\n;; ANSWER\nboat.example. 5 IN A ") + ip + "\n";
    EXPECT_EQ(eventually(server->port(), "boat.example", expected), expected);
  }
  ::unlink(file.c_str());
}

}  // namespace
}  // namespace wherry::clusterdns
