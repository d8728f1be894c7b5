// The table of IPv6 in a real kernel: what kernel_table_test.cc tries in IPv4. Needs root.
#include "base/subprocess.h"
#include "linux/conntrack.h"
#include "linux/nft/render.h"
#include "proxy/kernel_table_fixture.h"

namespace wherry::proxy {
namespace {

class KernelTableIpv6Test : public KernelTableTest {};

const ServicePort kWeb6{ip("fd00:10:96::1"), IPPROTO_TCP, 80};
const ServicePort kDns6{ip("fd00:10:96::1"), IPPROTO_UDP, 53};
const ServicePort kNodePort6{ip("::"), IPPROTO_TCP, 30080};
const Endpoint kInA6{ip("fd00:10:244::1"), 8080};
const Endpoint kInB6{ip("fd00:10:244::2"), 8080};
const Cidrs kCidrs6{.services = base::IpPrefix::parse("fd00:10:96::/108"),
                    .nodeAddresses = {ip("2001:db8::1")},
                    .family = base::IpFamily::kIPv6};

TEST_F(KernelTableIpv6Test, APodReachesAServiceUnderItsOwnAddressAndTheNodeToo) {
  Loaded table(*node, kCidrs6);
  table.set(kWeb6, {kInB6});
  auto server = listenIn(*podB, SOCK_STREAM, "fd00:10:244::2", 8080);
  EXPECT_EQ(connectFrom(*podA, "fd00:10:96::1", 80), 0);
  EXPECT_EQ(accepted(server), "fd00:10:244::1");
  EXPECT_EQ(connectFrom(*node, "fd00:10:96::1", 80), 0);
  EXPECT_EQ(accepted(server), "2001:db8::1");
}

TEST_F(KernelTableIpv6Test, APodReachesItselfThroughItsService) {
  Loaded table(*node, kCidrs6);
  table.set(kWeb6, {kInA6});
  auto server = listenIn(*podA, SOCK_STREAM, "fd00:10:244::1", 8080);
  EXPECT_EQ(connectFrom(*podA, "fd00:10:96::1", 80), 0);
  EXPECT_EQ(accepted(server), "2001:db8::1");
}

TEST_F(KernelTableIpv6Test, WhatNobodyServesIsRefusedAtOnce) {
  Loaded table(*node, kCidrs6);
  table.set(kWeb6, {});
  EXPECT_EQ(connectFrom(*podA, "fd00:10:96::1", 80), ECONNREFUSED);
  EXPECT_EQ(connectFrom(*podA, "fd00:10:96::99", 80), ECONNREFUSED) << "no Service has this one";
  EXPECT_EQ(connectFrom(*node, "fd00:10:96::1", 80), ECONNREFUSED);
}

TEST_F(KernelTableIpv6Test, ANodePortLeadsToThePod) {
  Loaded table(*node, kCidrs6);
  table.set(kNodePort6, {kInB6});
  auto server = listenIn(*podB, SOCK_STREAM, "fd00:10:244::2", 8080);
  EXPECT_EQ(connectFrom(*podA, "2001:db8::1", 30080), 0);
  EXPECT_EQ(accepted(server), "fd00:10:244::1");
  EXPECT_EQ(connectFrom(*node, "2001:db8::1", 30080), 0);
  EXPECT_EQ(accepted(server), "2001:db8::1");
}

TEST_F(KernelTableIpv6Test, AUdpClientLeavesAnEndpointThatIsGone) {
  Loaded table(*node, kCidrs6);
  table.set(kDns6, {{kInA6.ip, 5353}});
  auto first = listenIn(*podA, SOCK_DGRAM, "fd00:10:244::1", 5353);
  auto second = listenIn(*podB, SOCK_DGRAM, "fd00:10:244::2", 5353);
  base::Fd client = socketIn(*node, SOCK_DGRAM, AF_INET6);
  SocketAddress target = address("fd00:10:96::1", 53);
  ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0);
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  EXPECT_TRUE(received(first));
  table.set(kDns6, {{kInB6.ip, 5353}});
  ASSERT_EQ(::send(client.get(), "x", 1, 0), 1);
  EXPECT_TRUE(received(second));
}

TEST_F(KernelTableIpv6Test, AClientWithAffinityKeepsToItsEndpoint) {
  Loaded table(*node, kCidrs6);
  Backends affine({kInA6, kInB6});
  affine.affinity = std::chrono::duration<uint32_t>(60);
  table.set(kWeb6, affine);
  auto serverA = listenIn(*podA, SOCK_STREAM, "fd00:10:244::1", 8080);
  auto serverB = listenIn(*podB, SOCK_STREAM, "fd00:10:244::2", 8080);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(connectFrom(*node, "fd00:10:96::1", 80), 0);
  int inA = 0, inB = 0;
  while (!accepted(serverA).empty()) ++inA;
  while (!accepted(serverB).empty()) ++inB;
  EXPECT_EQ(inA + inB, 20);
  EXPECT_TRUE(inA == 0 || inB == 0) << inA << " and " << inB;
  table.set(kWeb6, inA > 0 ? Backends({kInB6}) : Backends({kInA6}));
  EXPECT_EQ(connectFrom(*node, "fd00:10:96::1", 80), 0);
  EXPECT_EQ(accepted(inA > 0 ? serverB : serverA), "2001:db8::1");
}

TEST_F(KernelTableIpv6Test, AnIdleClientOfAPodThatIsGoneIsReset) {
  Loaded table(*node, kCidrs6);
  for (const ScratchNamespace* from : {&*podA, &*node}) {
    ScratchNamespace gone;
    link(gone, "vethGone", ip("10.244.0.9"));
    auto server = listenIn(gone, SOCK_STREAM, "fd00:10:244::9", 8080);
    table.set(kWeb6, {{ip("fd00:10:244::9"), 8080}});
    base::Fd client = socketIn(*from, SOCK_STREAM, AF_INET6);
    SocketAddress target = address("fd00:10:96::1", 80);
    ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0);
    table.set(kWeb6, {});
    node->run([] {
      linux::NetlinkSocket socket(0);
      linux::removeLink(socket, "vethGone");
      linux::endConnections(ip("fd00:10:244::9"));
    });
    char byte;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
  }
}

TEST_F(KernelTableIpv6Test, TheKernelHoldsWhatTheModelSays) {
  if (!base::findProgram("nft")) GTEST_SKIP() << "needs nft to read the ruleset";
  Loaded table(*node, kCidrs6);
  Backends members({kInA6, kInB6});
  members.affinity = std::chrono::duration<uint32_t>(90);
  members.sources = {*base::IpPrefix::parse("2001:db8:1::/48"), *base::IpPrefix::parse("2001:db8:2::7/128")};
  table.set(kWeb6, {kInA6});
  table.set(kDns6, {});
  table.set({ip("2001:db8:ffff::1"), IPPROTO_TCP, 80}, members);
  members.sources.clear();
  table.set(kNodePort6, members);
  table.set({ip("::"), IPPROTO_TCP, 30080, Clients::kOutside}, {kInA6, kInB6});
  base::Finished listed;
  node->run([&] { listed = base::run({.argv = {"nft", "list", "ruleset"}}); });
  ASSERT_TRUE(listed.ok()) << listed.err;
  EXPECT_EQ(sortedLines(listed.out), sortedLines(linux::nft::renderTable(wholeTable(table.slots, kCidrs6))));
}

}  // namespace
}  // namespace wherry::proxy
