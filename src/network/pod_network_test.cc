#include "network/pod_network.h"

#include <filesystem>
#include <stdexcept>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "linux/links.h"
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
  auto link = describePodLink("sandbox-a", {0x0af40001});
  EXPECT_EQ(link.hostInterface, describePodLink("sandbox-a", {0x0af40002}).hostInterface);
  EXPECT_NE(link.hostInterface, describePodLink("sandbox-b", {0x0af40001}).hostInterface);
  EXPECT_THAT(link.hostInterface, testing::MatchesRegex("wh[0-9a-f]{12}"));
  EXPECT_LE(link.hostInterface.size(), 15u);  // IFNAMSIZ
}

TEST(PodLink, HasTwoDifferentLocallyAdministeredMacs) {
  auto link = describePodLink("sandbox-a", {0x0af40001});
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
  base::Fd receiver;
  at.run([&] {
    receiver.reset(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in any{.sin_family = AF_INET, .sin_port = htons(9000)};
    ASSERT_EQ(::bind(receiver.get(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    ::setsockopt(receiver.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  });
  from.run([&] {
    base::Fd sender(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in to{.sin_family = AF_INET, .sin_port = htons(9000)};
    ::inet_pton(AF_INET, ip.c_str(), &to.sin_addr);
    ::sendto(sender.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
  });
  char byte;
  sockaddr_in source{};
  socklen_t size = sizeof source;
  if (::recvfrom(receiver.get(), &byte, 1, 0, reinterpret_cast<sockaddr*>(&source), &size) != 1) return "";
  return linux::Ipv4Address::fromNetworkOrder(source.sin_addr.s_addr).text();
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
    linux::addAddress(socket, {.index = 1, .address = *linux::Ipv4Address::parse("192.0.2.1")});
    linux::addLoopbackAddress(*linux::Ipv4Address::parse("10.96.0.10"));
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
    linux::addAddress(socket, {.index = up->index, .address = *linux::Ipv4Address::parse("192.0.2.1"), .length = 24});
    linux::setLinkUp(socket, up->index);
  });
  outside.run([&] {
    linux::NetlinkSocket socket(0);
    auto up = linux::findLink(socket, "up1");
    linux::addAddress(socket, {.index = up->index, .address = *linux::Ipv4Address::parse("192.0.2.2"), .length = 24});
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
    linux::addAddress(socket, {.index = 1, .address = *linux::Ipv4Address::parse("192.0.2.1")});
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
    removeHostPortTable();  // as a firewall's reload would; a start opens what is on disk
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
    linux::removeAddress(socket, {.index = index, .address = *linux::Ipv4Address::parse("10.244.0.1")});
    linux::addAddress(socket, {.index = index, .address = *linux::Ipv4Address::parse("10.244.0.99")});
    linux::setRoute(socket, {.destination = {}, .gateway = kGateway, .index = index});
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
