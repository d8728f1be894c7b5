// The table in a real kernel: a node, pods by veth, connections through it. Needs root.
#include "proxy/kernel_table.h"

#include <cerrno>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "linux/conntrack.h"
#include "linux/links.h"
#include "linux/nft/base_chains.h"
#include "linux/routes.h"
#include "linux/scratch_namespace.h"
#include "linux/sysctls.h"

namespace wherry::proxy {
namespace {

using linux::Ipv4Address;
using linux::ScratchNamespace;

Ipv4Address ip(const char* text) { return *Ipv4Address::parse(text); }
sockaddr_in address(const char* text, uint16_t port) {
  sockaddr_in out{.sin_family = AF_INET, .sin_port = htons(port)};
  out.sin_addr.s_addr = ip(text).networkOrder();
  return out;
}
template <typename T>
sockaddr* generic(T& value) {
  return reinterpret_cast<sockaddr*>(&value);
}

// A node 192.0.2.1 with two pods, 10.244.0.1 and 10.244.0.2, each on a veth of its own.
class KernelTableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node.emplace();
    podA.emplace();
    podB.emplace();
    node->run([&] {
      linux::writeSysctl("net/ipv4/ip_forward", "1");
      linux::NetlinkSocket socket(0);
      linux::addAddress(socket, {.index = 1, .address = ip("192.0.2.1")});
      linux::setRoute(socket, {.destination = *linux::Ipv4Prefix::parse("10.96.0.0/12"), .index = 1});
    });
    link(*podA, "vethA", ip("10.244.0.1"));
    link(*podB, "vethB", ip("10.244.0.2"));
  }

  void link(const ScratchNamespace& pod, const std::string& name, Ipv4Address address) const {
    auto last = static_cast<uint8_t>(address.value);
    linux::VethEnd here{name, {2, 0, 0, 0, 0, last}};
    linux::VethEnd there{"eth0", {2, 0, 0, 0, 1, last}};
    node->run([&] {
      linux::NetlinkSocket socket(0);
      base::Fd ns(::open(pod.path().c_str(), O_RDONLY | O_CLOEXEC));
      linux::addVeth(socket, {here, there, ns.get()});
      int index = linux::findLink(socket, name)->index;
      linux::setLinkUp(socket, index);
      linux::setNeighbour(socket, index, address, there.mac);
      linux::setRoute(socket, {.destination = {address, 32}, .index = index});
    });
    pod.run([&] {
      linux::NetlinkSocket socket(0);
      int index = linux::findLink(socket, "eth0")->index;
      linux::addAddress(socket, {.index = index, .address = address});
      linux::setLinkUp(socket, index);
      linux::setNeighbour(socket, index, ip("169.254.1.1"), here.mac);
      linux::setRoute(socket, {.destination = {}, .gateway = ip("169.254.1.1"), .index = index});
    });
    node->run([&] { EXPECT_TRUE(linux::waitOperational(name, std::chrono::seconds(5))); });
  }

  std::optional<ScratchNamespace> node, podA, podB;
};

base::Fd listenIn(const ScratchNamespace& where, int type, const char* at, uint16_t port) {
  base::Fd fd;
  where.run([&] {
    fd.reset(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in own = address(at, port);
    int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    EXPECT_EQ(::bind(fd.get(), generic(own), sizeof own), 0) << errno;
    if (type == SOCK_STREAM) {
      EXPECT_EQ(::listen(fd.get(), 64), 0);
    }
  });
  return fd;
}

base::Fd socketIn(const ScratchNamespace& where, int type) {
  base::Fd fd;
  where.run([&] {
    fd.reset(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    timeval patience{.tv_sec = 2};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  });
  return fd;
}

// 0, or why the connection failed.
int connectFrom(const ScratchNamespace& where, const char* to, uint16_t port) {
  base::Fd fd = socketIn(where, SOCK_STREAM);
  sockaddr_in target = address(to, port);
  return ::connect(fd.get(), generic(target), sizeof target) == 0 ? 0 : errno;
}

// Who has connected to `listener` ("10.244.0.1"), "" when nobody has.
std::string accepted(const base::Fd& listener) {
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  base::Fd connection(::accept4(listener.get(), generic(peer), &size, SOCK_CLOEXEC));
  return connection ? Ipv4Address::fromNetworkOrder(peer.sin_addr.s_addr).text() : "";
}

bool received(const base::Fd& socket) {
  pollfd waiting{socket.get(), POLLIN, 0};
  char byte;
  return ::poll(&waiting, 1, 1000) == 1 && ::recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 1;
}

const ServicePort kWeb{{0x0a600001}, IPPROTO_TCP, 80};  // 10.96.0.1:80/TCP
const ServicePort kDns{{0x0a600001}, IPPROTO_UDP, 53};
const Endpoint kInA{{0x0af40001}, 8080};
const Endpoint kInB{{0x0af40002}, 8080};

// The rules and what a proxy keeps of them, in a node.
struct Loaded {
  explicit Loaded(const ScratchNamespace& in) : node(in) {
    node.run([&] {
      kernel.emplace();
      kernel->replace(slots);
    });
  }
  void set(const ServicePort& port, const std::vector<Endpoint>& endpoints) {
    Changes changes;
    slots.set(port, endpoints, changes);
    node.run([&] { kernel->apply(slots, changes); });
  }
  void remove(const ServicePort& port) {
    Changes changes;
    slots.remove(port, changes);
    node.run([&] { kernel->apply(slots, changes); });
  }

  const ScratchNamespace& node;
  Slots slots;
  std::optional<KernelTable> kernel;
};

TEST_F(KernelTableTest, APodReachesAServiceUnderItsOwnAddress) {
  Loaded table(*node);
  table.set(kWeb, {kInB});
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(server), "10.244.0.1");
}

TEST_F(KernelTableTest, TheNodeReachesAService) {
  Loaded table(*node);
  table.set(kWeb, {kInB});
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(server), "192.0.2.1");
}

TEST_F(KernelTableTest, APodReachesItselfThroughItsService) {
  Loaded table(*node);
  table.set(kWeb, {kInA});
  auto server = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(server), "192.0.2.1");
}

TEST_F(KernelTableTest, ConnectionsAreSpreadOverAllEndpoints) {
  Loaded table(*node);
  table.set(kWeb, {kInA, kInB});
  auto serverA = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  auto serverB = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  for (int i = 0; i < 60; ++i) ASSERT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
  int inA = 0, inB = 0;
  while (!accepted(serverA).empty()) ++inA;
  while (!accepted(serverB).empty()) ++inB;
  EXPECT_EQ(inA + inB, 60);
  EXPECT_GT(inA, 10);
  EXPECT_GT(inB, 10);
}

TEST_F(KernelTableTest, AServiceWithoutEndpointsRefusesTcpAtOnce) {
  Loaded table(*node);
  table.set(kWeb, {});
  EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), ECONNREFUSED);
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);
}

TEST_F(KernelTableTest, AServiceWithoutEndpointsAnswersUdpWithPortUnreachable) {
  Loaded table(*node);
  table.set(kDns, {});
  for (const ScratchNamespace* from : {&*podA, &*node}) {
    base::Fd client = socketIn(*from, SOCK_DGRAM);
    sockaddr_in target = address("10.96.0.1", 53);
    ASSERT_EQ(::connect(client.get(), generic(target), sizeof target), 0);
    // In the node the refusal comes back while sending.
    if (::send(client.get(), "x", 1, 0) == 1) {
      char byte;
      EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
    }
    EXPECT_TRUE(errno == ECONNREFUSED || errno == EPERM) << errno;
  }
}

TEST_F(KernelTableTest, ChangesAreSeenByTheNextConnection) {
  Loaded table(*node);
  auto serverA = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  auto serverB = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  table.set(kWeb, {});
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);
  table.set(kWeb, {kInA, kInB});
  table.set(kWeb, {kInB});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(serverA), "");
  EXPECT_NE(accepted(serverB), "");
  table.remove(kWeb);
  EXPECT_NE(connectFrom(*node, "10.96.0.1", 80), 0);
}

TEST_F(KernelTableTest, AUdpClientThatKeepsItsSocketFollowsTheEndpoints) {
  Loaded table(*node);
  Endpoint dnsA{kInA.ip, 53}, dnsB{kInB.ip, 53};
  auto serverA = listenIn(*podA, SOCK_DGRAM, "10.244.0.1", 53);
  auto serverB = listenIn(*podB, SOCK_DGRAM, "10.244.0.2", 53);
  base::Fd client = socketIn(*node, SOCK_DGRAM);
  auto sendOne = [&] {
    sockaddr_in target = address("10.96.0.1", 53);
    ::sendto(client.get(), "x", 1, 0, generic(target), sizeof target);
  };
  table.set(kDns, {dnsA});
  sendOne();
  EXPECT_TRUE(received(serverA));
  table.set(kDns, {dnsB});
  sendOne();
  EXPECT_TRUE(received(serverB));
  table.set(kDns, {});
  sendOne();
  table.set(kDns, {dnsA});
  sendOne();
  EXPECT_TRUE(received(serverA));
}

TEST_F(KernelTableTest, MoreEndpointsThanEverBeforeGetTheirOwnChain) {
  Loaded table(*node);
  auto server = listenIn(*podA, SOCK_STREAM, "0.0.0.0", 8080);
  std::vector<Endpoint> many;
  for (uint16_t port = 8081; port < 8081 + 299; ++port) many.push_back({kInA.ip, port});
  table.set(kWeb, many);
  table.set(kWeb, {kInA});
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
}

TEST_F(KernelTableTest, AFlushByAnotherProgramIsNoticedAndRepaired) {
  Loaded table(*node);
  table.set(kWeb, {kInB});
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  node->run([&] {
    linux::NetlinkSocket socket(12);
    linux::nft::Batch batch;
    batch.deleteTable(kTable);
    batch.commit(socket);
  });
  try {
    table.set(kDns, {});
    FAIL() << "the change should have been refused";
  } catch (const linux::nft::BatchError& error) {
    EXPECT_EQ(error.error, ENOENT);
  }
  node->run([&] { table.kernel->replace(table.slots); });
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
}

}  // namespace
}  // namespace wherry::proxy
