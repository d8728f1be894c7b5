// The sockets: UDP, TCP and forwarding over loopback, and a zone that is visible to the next query.
#include "clusterdns/server.h"

#include <cstdlib>
#include <thread>

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

  std::unique_ptr<Server> start(uint16_t upstreamPort = 53) {
    return startServer(
        {.address = "127.0.0.1", .port = 0, .threads = 2, .resolvConf = resolvConf_, .upstreamPort = upstreamPort},
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
