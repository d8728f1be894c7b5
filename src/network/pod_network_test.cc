#include "network/pod_network.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "linux/links.h"
#include "linux/nft/base_chains.h"
#include "linux/routes.h"
#include "linux/scratch_namespace.h"
#include "linux/sysctls.h"
#include "meta/status.h"
#include "network/pod_link.h"

namespace wherry::network {
namespace {

using linux::ScratchNamespace;

std::string scratchDirectory() {
  std::string pattern = testing::TempDir() + "pod_network_XXXXXX";
  return ::mkdtemp(pattern.data());
}

TEST(PodLink, IsNamedByTheSandboxAlone) {
  auto link = describePodLink("sandbox-a", {base::IpAddress::ipv4(0x0af40001)});
  EXPECT_EQ(link.hostInterface, describePodLink("sandbox-a", {base::IpAddress::ipv4(0x0af40002)}).hostInterface);
  EXPECT_NE(link.hostInterface, describePodLink("sandbox-b", {base::IpAddress::ipv4(0x0af40001)}).hostInterface);
  EXPECT_THAT(link.hostInterface, testing::MatchesRegex("wh[0-9a-f]{12}"));
  EXPECT_LE(link.hostInterface.size(), 15u);  // IFNAMSIZ
}

TEST(PodLink, HasTwoDifferentLocallyAdministeredMacs) {
  auto link = describePodLink("sandbox-a", {base::IpAddress::ipv4(0x0af40001)});
  EXPECT_NE(link.hostMac, link.podMac);
  EXPECT_EQ(link.hostMac[0] & 3, 2);
  EXPECT_EQ(link.podMac[0] & 3, 2);
}

class PodNetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node.emplace();
    directory = scratchDirectory();
  }
  void TearDown() override {
    if (!directory.empty()) std::filesystem::remove_all(directory);
  }

  PodNetworkOptions options() const {
    return {.podCidr = "10.244.0.0/24", .clusterCidr = "10.244.0.0/16", .dataDir = directory};
  }
  std::vector<std::string> linkNames() const {
    std::vector<std::string> names;
    node->run([&] {
      linux::NetlinkSocket socket(0);
      for (const auto& link : linux::listLinks(socket)) names.push_back(link.name);
    });
    return names;
  }

  std::optional<ScratchNamespace> node;
  std::string directory;
};

// A UDP datagram from one namespace to an address, and who received it from whom ("10.244.0.1"; "" when nobody).
std::string senderSeen(const ScratchNamespace& from, const ScratchNamespace& at, const std::string& ip,
                       timeval patience = {.tv_sec = 5}) {
  const bool isV4 = base::IpAddress::parse(ip)->family() == base::IpFamily::kIPv4;
  const int family = isV4 ? AF_INET : AF_INET6;
  sockaddr_in any4{.sin_family = AF_INET, .sin_port = htons(9000)}, to4 = any4, source4{};
  sockaddr_in6 any6{.sin6_family = AF_INET6, .sin6_port = htons(9000)}, to6 = any6, source6{};
  auto pick = [&](sockaddr_in& v4, sockaddr_in6& v6) {
    return isV4 ? reinterpret_cast<sockaddr*>(&v4) : reinterpret_cast<sockaddr*>(&v6);
  };
  socklen_t size = isV4 ? sizeof any4 : sizeof any6;
  base::Fd receiver;
  at.run([&] {
    receiver.reset(::socket(family, SOCK_DGRAM, 0));
    ASSERT_EQ(::bind(receiver.get(), pick(any4, any6), size), 0);
    ::setsockopt(receiver.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  });
  from.run([&] {
    base::Fd sender(::socket(family, SOCK_DGRAM, 0));
    ::inet_pton(family, ip.c_str(), isV4 ? static_cast<void*>(&to4.sin_addr) : static_cast<void*>(&to6.sin6_addr));
    ::sendto(sender.get(), "x", 1, 0, pick(to4, to6), size);
  });
  char byte;
  if (::recvfrom(receiver.get(), &byte, 1, 0, pick(source4, source6), &size) != 1) return "";
  if (isV4) return base::IpAddress::ipv4(ntohl(source4.sin_addr.s_addr)).text();
  return base::IpAddress::fromBytes({reinterpret_cast<char*>(&source6.sin6_addr), sizeof source6.sin6_addr})->text();
}

PodNetworkOptions dualOptions(const std::string& directory) {
  return {.podCidr = "10.244.0.0/24,fd00:10:244::/64",
          .clusterCidr = "10.244.0.0/16,fd00:10:244::/56",
          .dataDir = directory};
}

TEST_F(PodNetworkTest, PodsHaveAnAddressOfEachFamilyAndReachEachOtherByBothAtOnce) {
  PodNetwork network(dualOptions(directory));
  ScratchNamespace podA, podB;
  PodAddress a, b;
  node->run([&] {
    network.start();
    a = network.attach("a", podA.path());
    b = network.attach("b", podB.path());
  });
  EXPECT_EQ(a.ip, "10.244.0.1,fd00:10:244::1");
  EXPECT_EQ(b.ip, "10.244.0.2,fd00:10:244::2");
  EXPECT_EQ(senderSeen(podA, podB, "10.244.0.2"), "10.244.0.1");
  EXPECT_EQ(senderSeen(podA, podB, "fd00:10:244::2"), "fd00:10:244::1");
  EXPECT_EQ(senderSeen(podB, podA, "fd00:10:244::1"), "fd00:10:244::2");
  EXPECT_EQ(PodNetwork(dualOptions(directory)).findAddress("b")->ip, b.ip) << "as it is on disk";
}

TEST_F(PodNetworkTest, ByIpv6TheNodeAndItsPodsReachEachOtherAlsoAtTheClusterDnsAddress) {
  PodNetwork network({.podCidr = "fd00:10:244::/64", .clusterCidr = "fd00:10:244::/56", .dataDir = directory});
  ScratchNamespace pod;
  PodAddress address;
  node->run([&] {
    linux::NetlinkSocket socket(0);
    linux::addAddress(socket, {.index = 1, .address = *base::IpAddress::parse("2001:db8::1")});
    linux::addLoopbackAddress(*base::IpAddress::parse("fd00:10:96::a"));
    network.start();
    address = network.attach("a", pod.path());
  });
  EXPECT_EQ(address.ip, "fd00:10:244::1");
  EXPECT_EQ(senderSeen(*node, pod, address.ip), "2001:db8::1");
  EXPECT_EQ(senderSeen(pod, *node, "2001:db8::1"), address.ip);
  EXPECT_EQ(senderSeen(pod, *node, "fd00:10:96::a"), address.ip);
}

TEST_F(PodNetworkTest, ByIpv6APodSendsUnderItsOwnAddressOrNotAtAll) {
  PodNetwork network(dualOptions(directory));
  ScratchNamespace podA, podB;
  node->run([&] {
    network.start();
    network.attach("a", podA.path());
    network.attach("b", podB.path());
  });
  podA.run([&] {
    linux::NetlinkSocket socket(0);
    int index = linux::findLink(socket, "eth0")->index;
    linux::removeAddress(socket, {.index = index, .address = *base::IpAddress::parse("fd00:10:244::1")});
    linux::addAddress(socket, {.index = index, .address = *base::IpAddress::parse("fd00:10:244::99")});
  });
  EXPECT_EQ(senderSeen(podA, podB, "fd00:10:244::2", {.tv_sec = 1}), "");
}

TEST_F(PodNetworkTest, ByIpv6NothingIsLeftAfterAReset) {
  PodNetwork network(dualOptions(directory));
  ScratchNamespace pod;
  std::vector<linux::Route> routes;
  node->run([&] {
    network.start();
    network.attach("a", pod.path(), {*parseHostPort("tcp 0.0.0.0:8080 80")});
    EXPECT_EQ(linux::readSysctl("net/ipv6/conf/all/forwarding"), "1");
    network.removeAll();
    linux::NetlinkSocket socket(0), netfilter(NETLINK_NETFILTER);
    for (base::IpFamily family : base::kIpFamilies) {
      for (const char* table : {"wherry_network", "wherry_hostports"}) {
        EXPECT_FALSE(linux::nft::tableExists(netfilter, table, family)) << table;
      }
    }
    routes = linux::listRoutes(socket);
  });
  EXPECT_TRUE(std::none_of(routes.begin(), routes.end(), [](const linux::Route& route) { return route.own; }));
}

TEST_F(PodNetworkTest, TwoPodsReachEachOtherUnderTheirOwnAddresses) {
  PodNetwork network(options());
  ScratchNamespace podA, podB;
  PodAddress a, b;
  node->run([&] {
    network.start();
    a = network.attach("a", podA.path());
    b = network.attach("b", podB.path());
  });
  EXPECT_EQ(a.ip, "10.244.0.1");
  EXPECT_EQ(b.ip, "10.244.0.2");
  EXPECT_EQ(senderSeen(podA, podB, b.ip), a.ip);
  EXPECT_EQ(senderSeen(podB, podA, a.ip), b.ip);
}

TEST_F(PodNetworkTest, TheNodeAndItsPodsReachEachOther) {
  PodNetwork network(options());
  ScratchNamespace pod;
  PodAddress address;
  node->run([&] {
    linux::NetlinkSocket socket(0);
    linux::addAddress(socket, {.index = 1, .address = *base::IpAddress::parse("192.0.2.1")});
    linux::addLoopbackAddress(*base::IpAddress::parse("10.96.0.10"));
    network.start();
    address = network.attach("a", pod.path());
  });
  EXPECT_EQ(senderSeen(*node, pod, address.ip), "192.0.2.1");
  EXPECT_EQ(senderSeen(pod, *node, "192.0.2.1"), address.ip);
  EXPECT_EQ(senderSeen(pod, *node, "10.96.0.10"), address.ip);
}

TEST_F(PodNetworkTest, APodSeesTheOutsideUnderTheNodesAddress) {
  PodNetwork network(options());
  ScratchNamespace pod, outside;
  node->run([&] {
    network.start();
    network.attach("a", pod.path());
    linux::NetlinkSocket socket(0);
    base::Fd other(::open(outside.path().c_str(), O_RDONLY | O_CLOEXEC));
    linux::addVeth(socket, {{"up0", {2, 0, 0, 0, 0, 1}}, {"up1", {2, 0, 0, 0, 0, 2}}, other.get()});
    auto up = linux::findLink(socket, "up0");
    linux::addAddress(socket, {.index = up->index, .address = *base::IpAddress::parse("192.0.2.1"), .length = 24});
    linux::setLinkUp(socket, up->index);
  });
  outside.run([&] {
    linux::NetlinkSocket socket(0);
    auto up = linux::findLink(socket, "up1");
    linux::addAddress(socket, {.index = up->index, .address = *base::IpAddress::parse("192.0.2.2"), .length = 24});
    linux::setLinkUp(socket, up->index);
  });
  node->run([] { EXPECT_TRUE(linux::waitOperational("up0", std::chrono::seconds(5))); });
  EXPECT_EQ(senderSeen(pod, outside, "192.0.2.2"), "192.0.2.1");
}

TEST_F(PodNetworkTest, AHostPortLeadsToItsPodFromTheNodeItsLoopbackAndOtherPodsUntilItIsDetached) {
  std::optional<PodNetwork> network(options());
  ScratchNamespace pod, other;
  std::vector<HostPort> ports = {*parseHostPort("udp 0.0.0.0:9000 9000")};
  node->run([&] {
    linux::NetlinkSocket socket(0);
    linux::addAddress(socket, {.index = 1, .address = *base::IpAddress::parse("192.0.2.1")});
    network->start();
    network->attach("a", pod.path(), ports);
    network->attach("b", other.path());
  });
  EXPECT_EQ(senderSeen(*node, pod, "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(senderSeen(*node, pod, "127.0.0.1"), "192.0.2.1");
  EXPECT_EQ(senderSeen(other, pod, "192.0.2.1"), "10.244.0.2");
  EXPECT_EQ(senderSeen(pod, pod, "192.0.2.1"), "192.0.2.1") << "the pod itself";

  node->run([&] {
    EXPECT_THROW(network->attach("c", other.path(), ports), meta::StatusError) << "the port is taken";
    removeHostPortTables();  // as a firewall's reload would; a start opens what is on disk
    network.emplace(options());
    network->start();
    EXPECT_EQ(network->list().size(), 2u) << "who was refused has nothing";
  });
  EXPECT_EQ(senderSeen(other, pod, "192.0.2.1"), "10.244.0.2") << "after a restart";
  node->run([&] { network->detach("a"); });
  EXPECT_EQ(senderSeen(other, *node, "192.0.2.1"), "10.244.0.2") << "the port is the node's own again";
}

TEST_F(PodNetworkTest, AttachingAgainChangesNothing) {
  PodNetwork network(options());
  ScratchNamespace pod;
  node->run([&] {
    auto first = network.attach("a", pod.path());
    auto links = linkNames();
    auto again = network.attach("a", pod.path());
    EXPECT_EQ(first.ip, again.ip);
    EXPECT_EQ(links, linkNames());
  });
}

TEST_F(PodNetworkTest, ASandboxWithANewNamespaceKeepsItsAddress) {
  PodNetwork network(options());
  ScratchNamespace gone, now, peer;
  PodAddress first, again, other;
  node->run([&] {
    network.start();
    first = network.attach("a", gone.path());
    again = network.attach("a", now.path());
    other = network.attach("b", peer.path());
  });
  EXPECT_EQ(first.ip, again.ip);
  EXPECT_EQ(senderSeen(peer, now, again.ip), other.ip);
}

TEST_F(PodNetworkTest, AddressesSurviveARestartAndAreNeverGivenTwice) {
  ScratchNamespace podA, podB, podC;
  node->run([&] {
    PodNetwork network(options());
    network.attach("a", podA.path());
    network.attach("b", podB.path());
    network.detach("b");
  });
  node->run([&] {
    PodNetwork network(options());
    ASSERT_EQ(network.list().size(), 1u);
    EXPECT_EQ(network.findAddress("a")->ip, "10.244.0.1");
    EXPECT_EQ(network.attach("a", podA.path()).ip, "10.244.0.1");
    EXPECT_EQ(network.attach("c", podC.path()).ip, "10.244.0.3");
  });
}

TEST_F(PodNetworkTest, DetachingLeavesNothingAndMayBeRepeated) {
  PodNetwork network(options());
  ScratchNamespace pod;
  node->run([&] {
    auto before = linkNames();
    network.attach("a", pod.path());
    network.detach("a");
    network.detach("a");
    EXPECT_EQ(linkNames(), before);
    EXPECT_TRUE(network.list().empty());
    EXPECT_TRUE(std::filesystem::is_empty(directory + "/addresses"));
  });
}

TEST_F(PodNetworkTest, DetachingAfterTheNamespaceIsGoneIsFine) {
  PodNetwork network(options());
  node->run([&] {
    {
      ScratchNamespace pod;
      network.attach("a", pod.path());
    }
    network.detach("a");
    EXPECT_TRUE(network.list().empty());
  });
}

TEST_F(PodNetworkTest, AFailedAttachKeepsTheAddressForTheNextTry) {
  PodNetwork network(options());
  ScratchNamespace pod;
  node->run([&] {
    EXPECT_THROW(network.attach("a", "/nonexistent"), std::system_error);
    EXPECT_EQ(network.attach("a", pod.path()).ip, "10.244.0.1");
  });
}

TEST_F(PodNetworkTest, APodDoesNotSendUnderAnotherAddress) {
  PodNetwork network(options());
  ScratchNamespace podA, podB;
  PodAddress b;
  node->run([&] {
    network.start();
    network.attach("a", podA.path());
    b = network.attach("b", podB.path());
  });
  podA.run([&] {
    linux::NetlinkSocket socket(0);
    int index = linux::findLink(socket, "eth0")->index;
    linux::removeAddress(socket, {.index = index, .address = *base::IpAddress::parse("10.244.0.1")});
    linux::addAddress(socket, {.index = index, .address = *base::IpAddress::parse("10.244.0.99")});
    linux::setRoute(socket, {.destination = {}, .gateway = gateway(base::IpFamily::kIPv4), .index = index});
  });
  EXPECT_EQ(senderSeen(podA, podB, b.ip, {.tv_usec = 200'000}), "");
}

TEST(PodNetworkOptions, ACidrThatIsNoneIsRefused) {
  EXPECT_THROW(PodNetwork({.podCidr = "10.244.0.0", .clusterCidr = "10.244.0.0/16", .dataDir = "/nonexistent"}),
               std::invalid_argument);
}

TEST(PodNetworkOptions, AFullCidrIsServiceUnavailable) {
  std::string directory = scratchDirectory();
  PodNetwork network({.podCidr = "10.244.0.0/32", .clusterCidr = "10.244.0.0/16", .dataDir = directory});
  EXPECT_THROW(network.attach("a", "/nonexistent"), std::system_error);
  EXPECT_THROW(network.attach("b", "/nonexistent"), meta::StatusError);
  std::filesystem::remove_all(directory);
}

TEST(PodNetworkOptions, ASandboxIdThatIsNoFileNameIsRefused) {
  std::string directory = scratchDirectory();
  PodNetwork network({.podCidr = "10.244.0.0/24", .clusterCidr = "10.244.0.0/16", .dataDir = directory});
  EXPECT_THROW(network.attach("../x", "/nonexistent"), std::invalid_argument);
  std::filesystem::remove_all(directory);
}

TEST_F(PodNetworkTest, AResetFindsLinksThatNoFileTellsOfAndPutsForwardingBack) {
  node->run([&] {
    linux::writeSysctl("net/ipv4/ip_forward", "0");
    auto all = options();
    all.sysctlRecord = directory + "/sysctls";
    ScratchNamespace pod;
    {
      PodNetwork network(all);
      network.start();
      network.attach("sandbox-a", pod.path());
    }
    EXPECT_EQ(linux::readSysctl("net/ipv4/ip_forward"), "1");
    std::filesystem::remove_all(directory + "/addresses");
    PodNetwork(all).removeAll();
    EXPECT_EQ(linux::readSysctl("net/ipv4/ip_forward"), "0");
  });
  EXPECT_THAT(linkNames(), testing::ElementsAre("lo"));
}

}  // namespace
}  // namespace wherry::network
