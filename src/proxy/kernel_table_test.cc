// The table in a real kernel: a node, pods by veth, connections through it. Needs root.
#include "proxy/kernel_table.h"

#include <algorithm>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "base/strings.h"
#include "base/subprocess.h"
#include "linux/nft/elements.h"
#include "linux/nft/render.h"
#include "linux/routes.h"
#include "linux/scratch_namespace.h"
#include "linux/sysctls.h"
#include "proxy/kernel_table_fixture.h"

namespace wherry::proxy {
namespace {

const ServicePort kWeb{base::IpAddress::ipv4(0x0a600001), IPPROTO_TCP, 80};  // 10.96.0.1:80/TCP
const ServicePort kDns{base::IpAddress::ipv4(0x0a600001), IPPROTO_UDP, 53};
const Endpoint kInA{base::IpAddress::ipv4(0x0af40001), 8080};
const Endpoint kInB{base::IpAddress::ipv4(0x0af40002), 8080};

const Cidrs kCidrs{.services = base::IpPrefix::parse("10.96.0.0/12"), .nodeAddresses = {ip("192.0.2.1")}};

TEST_F(KernelTableTest, APodReachesAServiceUnderItsOwnAddress) {
  Loaded table(*node, kCidrs);
  table.set(kWeb, {kInB});
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(server), "10.244.0.1");
}

TEST_F(KernelTableTest, TheNodeReachesAService) {
  Loaded table(*node, kCidrs);
  table.set(kWeb, {kInB});
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(server), "192.0.2.1");
}

TEST_F(KernelTableTest, APodReachesItselfThroughItsService) {
  Loaded table(*node, kCidrs);
  table.set(kWeb, {kInA});
  auto server = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), 0);
  EXPECT_EQ(accepted(server), "192.0.2.1");
}

TEST_F(KernelTableTest, ConnectionsAreSpreadOverAllEndpoints) {
  Loaded table(*node, kCidrs);
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
  Loaded table(*node, kCidrs);
  table.set(kWeb, {});
  EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), ECONNREFUSED);
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);
}

TEST_F(KernelTableTest, AServiceWithoutEndpointsAnswersUdpWithPortUnreachable) {
  Loaded table(*node, kCidrs);
  table.set(kDns, {});
  for (const ScratchNamespace* from : {&*podA, &*node}) {
    base::Fd client = socketIn(*from, SOCK_DGRAM);
    SocketAddress target = address("10.96.0.1", 53);
    ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0);
    // In the node the refusal comes back while sending.
    if (::send(client.get(), "x", 1, 0) == 1) {
      char byte;
      EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
    }
    EXPECT_TRUE(errno == ECONNREFUSED || errno == EPERM) << errno;
  }
}

TEST_F(KernelTableTest, AClientFromOutsideReachesANodePortUnderItsOwnAddress) {
  Loaded table(*node, kCidrs);
  ScratchNamespace world;
  link(world, "vethW", ip("198.51.100.1"));
  table.set({{}, IPPROTO_TCP, 30080}, {kInA});
  table.set({{}, IPPROTO_TCP, 30081}, {});
  auto server = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  EXPECT_EQ(connectFrom(world, "192.0.2.1", 30080), 0);
  EXPECT_EQ(accepted(server), "198.51.100.1");
  EXPECT_EQ(connectFrom(world, "192.0.2.1", 30081), ECONNREFUSED);
  table.set({{}, IPPROTO_TCP, 30080}, {{kInA.ip, kInA.port, Place::kElsewhere}});
  EXPECT_EQ(connectFrom(world, "192.0.2.1", 30080), 0);
  EXPECT_EQ(accepted(server), "192.0.2.1") << "its answers would go another way";
}

TEST_F(KernelTableTest, TheNodeReachesANodePortByLoopback) {
  Loaded table(*node, kCidrs);
  node->run([] { linux::writeSysctl("net/ipv4/conf/vethA/route_localnet", "1"); });
  table.set({{}, IPPROTO_TCP, 30080}, {kInA});
  table.set({{}, IPPROTO_TCP, 30081}, {});
  auto server = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  EXPECT_EQ(connectFrom(*node, "127.0.0.1", 30080), 0);
  EXPECT_EQ(accepted(server), "192.0.2.1");
  EXPECT_EQ(connectFrom(*node, "127.0.0.1", 30081), ECONNREFUSED);
}

TEST_F(KernelTableTest, OnlyWhoIsInASourceRangeMayCome) {
  Loaded table(*node, kCidrs);
  ServicePort balanced{ip("198.18.0.1"), IPPROTO_TCP, 80};
  Backends backends({kInB});
  backends.sources = {*base::IpPrefix::parse("10.244.0.0/31")};
  table.set(balanced, backends);
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  node->run([] {
    linux::NetlinkSocket socket(0);
    linux::setRoute(socket, {.destination = *base::IpPrefix::parse("198.18.0.0/24"), .index = 1});
  });
  EXPECT_EQ(connectFrom(*podA, "198.18.0.1", 80), 0);
  EXPECT_NE(connectFrom(*node, "198.18.0.1", 80), 0);
  backends.sources = {*base::IpPrefix::parse("192.0.2.0/24")};
  table.set(balanced, backends);
  EXPECT_EQ(connectFrom(*node, "198.18.0.1", 80), 0);
}

TEST_F(KernelTableTest, AClientKeepsToItsEndpointWhileThatIsThere) {
  Loaded table(*node, kCidrs);
  Backends both({kInA, kInB});
  both.affinity = std::chrono::duration<uint32_t>(3600);
  table.set(kWeb, both);
  auto serverA = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  auto serverB = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  auto visits = [&] {
    int inA = 0, inB = 0;
    for (int i = 0; i < 20; ++i) EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
    while (!accepted(serverA).empty()) ++inA;
    while (!accepted(serverB).empty()) ++inB;
    EXPECT_EQ(inA + inB, 20);
    return inA;
  };
  int inA = visits();
  EXPECT_TRUE(inA == 0 || inA == 20) << inA;
  node->run([&] {
    KernelTable next(kCidrs);  // as after a start of the process
    next.replace(table.slots);
  });
  EXPECT_EQ(visits(), inA) << "a restart";
  // The other one goes and comes back, then its own one.
  const Endpoint& own = inA == 20 ? kInA : kInB;
  const Endpoint& other = inA == 20 ? kInB : kInA;
  Backends one = both;
  one.endpoints = {own};
  table.set(kWeb, one);
  table.set(kWeb, both);
  EXPECT_EQ(visits(), inA) << "a rollout of others";
  one.endpoints = {other};
  table.set(kWeb, one);
  EXPECT_EQ(visits(), 20 - inA) << "its endpoint is gone";
  table.set(kWeb, {kInA, kInB});
  int affinities = 0;
  node->run([&] {
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    linux::nft::listElements(socket, kTable, kAffinityMap, [&](const linux::nft::ListedElement&) { ++affinities; });
  });
  EXPECT_EQ(affinities, 0) << "affinity was taken from the Service";
}

TEST_F(KernelTableTest, AUdpClientOfANodePortFollowsTheEndpoints) {
  Loaded table(*node, kCidrs);
  ServicePort port{{}, IPPROTO_UDP, 30053};
  Endpoint dnsA{kInA.ip, 53}, dnsB{kInB.ip, 53};
  auto serverA = listenIn(*podA, SOCK_DGRAM, "10.244.0.1", 53);
  auto serverB = listenIn(*podB, SOCK_DGRAM, "10.244.0.2", 53);
  base::Fd client = socketIn(*node, SOCK_DGRAM);
  auto sendOne = [&] {
    SocketAddress target = address("192.0.2.1", 30053);
    ::sendto(client.get(), "x", 1, 0, generic(target), target.size);
  };
  sendOne();  // reaches the node itself, where nobody is
  table.set(port, {dnsA});
  sendOne();
  EXPECT_TRUE(received(serverA));
  table.set(port, {dnsB});
  sendOne();
  EXPECT_TRUE(received(serverB));
  table.remove(port);
  sendOne();
  table.set(port, {dnsA});
  sendOne();
  EXPECT_TRUE(received(serverA));
}

TEST_F(KernelTableTest, ChangesAreSeenByTheNextConnection) {
  Loaded table(*node, kCidrs);
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
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);
}

TEST_F(KernelTableTest, AUdpClientThatKeepsItsSocketFollowsTheEndpoints) {
  Loaded table(*node, kCidrs);
  Endpoint dnsA{kInA.ip, 53}, dnsB{kInB.ip, 53};
  auto serverA = listenIn(*podA, SOCK_DGRAM, "10.244.0.1", 53);
  auto serverB = listenIn(*podB, SOCK_DGRAM, "10.244.0.2", 53);
  base::Fd client = socketIn(*node, SOCK_DGRAM);
  auto sendOne = [&] {
    SocketAddress target = address("10.96.0.1", 53);
    ::sendto(client.get(), "x", 1, 0, generic(target), target.size);
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

TEST_F(KernelTableTest, CountsByServiceAndEndpoint) {
  Loaded table(*node, kCidrs);
  table.set(kWeb, {kInB});
  auto server = listenIn(*podB, SOCK_STREAM, "10.244.0.2", 8080);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(connectFrom(*podA, "10.96.0.1", 80), 0);
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
  auto counted = [&](const char* set) {
    std::vector<linux::nft::ListedElement> elements;
    node->run([&] {
      linux::NetlinkSocket socket(NETLINK_NETFILTER);
      linux::nft::listElements(socket, kTable, set, [&](const auto& element) { elements.push_back(element); });
    });
    EXPECT_EQ(elements.size(), 1U);
    return elements.at(0);
  };
  auto key = linux::nft::Data().address(kWeb.ip).protocol(IPPROTO_TCP).port(80).address(kInB.ip).port(8080);
  EXPECT_EQ(counted(kConnectionsSet).key, key);
  EXPECT_EQ(counted(kConnectionsSet).packets, 4U);
  EXPECT_GE(counted(kTrafficSet).packets, 4U * 3) << "a handshake each, in both directions";
  EXPECT_GE(counted(kTrafficSet).bytes, 4U * 3 * 40);
}

TEST_F(KernelTableTest, MoreEndpointsThanEverBeforeGetTheirOwnChain) {
  Loaded table(*node, kCidrs);
  auto server = listenIn(*podA, SOCK_STREAM, "0.0.0.0", 8080);
  std::vector<Endpoint> many;
  for (uint16_t port = 8081; port < 8081 + 299; ++port) many.push_back({kInA.ip, port});
  table.set(kWeb, many);
  table.set(kWeb, {kInA});
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
}

TEST_F(KernelTableTest, ATableOfManyChunksIsWhole) {
  Slots slots;
  Changes unrecorded(Changes::Record::kNothing);
  for (uint32_t number = 0; number < 5000; ++number) {
    slots.set({base::IpAddress::ipv4(0x0a600000 + number), IPPROTO_TCP, 80},
              {kInA, kInB, {kInB.ip, 8081}, {kInB.ip, 8082}}, unrecorded);
  }
  size_t wanted = 0, there = 0;
  slots.forEachElement([&](const Element&, const linux::nft::Data&) { ++wanted; });
  for (const char* when : {"first", "again"}) {
    node->run([&] {
      KernelTable(kCidrs).replace(slots);
      linux::NetlinkSocket socket(NETLINK_NETFILTER);
      there = 0;
      for (const char* set : {"slots", "n4", "hairpin"}) {
        linux::nft::listElements(socket, kTable, set, [&](const auto&) { ++there; });
      }
    });
    EXPECT_EQ(there, wanted) << when;
  }
}

TEST_F(KernelTableTest, AFlushByAnotherProgramIsNoticedAndRepaired) {
  Loaded table(*node, kCidrs);
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

TEST_F(KernelTableTest, TheKernelHoldsWhatTheModelSays) {
  if (!base::findProgram("nft")) GTEST_SKIP() << "needs nft to read the ruleset";
  Loaded table(*node, kCidrs);
  table.set(kWeb, {kInA, kInB});
  table.set(kDns, {});
  table.set({kWeb.ip, IPPROTO_TCP, 443}, {kInA});
  table.set(kWeb, {kInB});
  Backends members({kInA, kInB});
  members.affinity = std::chrono::duration<uint32_t>(90);
  members.sources = {*base::IpPrefix::parse("198.51.100.0/24"), *base::IpPrefix::parse("203.0.113.7/32")};
  table.set({ip("198.18.0.1"), IPPROTO_TCP, 80}, members);
  members.sources.clear();
  table.set({{}, IPPROTO_TCP, 30080}, members);
  table.set({{}, IPPROTO_TCP, 30080, Clients::kOutside}, {kInA, kInB});
  base::Finished listed;
  node->run([&] { listed = base::run({.argv = {"nft", "list", "ruleset"}}); });
  ASSERT_TRUE(listed.ok()) << listed.err;
  // The model has no chain for a size that was left again.
  Slots both = table.slots;
  Changes ignored;
  both.set({kWeb.ip, IPPROTO_TCP, 9}, {kInA, kInB}, ignored);
  auto model = sortedLines(linux::nft::renderTable(wholeTable(both, kCidrs)));
  std::erase_if(model, [](const std::string& line) {
    return line.find(". tcp . 9 ") != std::string::npos || line.ends_with(". tcp . 9");
  });
  EXPECT_EQ(sortedLines(listed.out), model);
}

}  // namespace
}  // namespace wherry::proxy
