// Clients and servers of pods that are gone, in a real kernel. Needs root.
#include <chrono>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>

#include "linux/conntrack.h"
#include "linux/links.h"
#include "linux/scratch_namespace.h"
#include "linux/sysctls.h"
#include "proxy/kernel_table.h"
#include "proxy/kernel_table_fixture.h"

namespace wherry::proxy {
namespace {

const ServicePort kWeb{base::IpAddress::ipv4(0x0a600001), IPPROTO_TCP, 80};  // 10.96.0.1:80/TCP
const Endpoint kInA{base::IpAddress::ipv4(0x0af40001), 8080};

const Cidrs kCidrs{.services = base::IpPrefix::parse("10.96.0.0/12"), .nodeAddresses = {ip("192.0.2.1")}};

// Through a Service with another endpoint, one without any, and from a client on the node itself.
TEST_F(KernelTableTest, AnIdleClientOfAPodThatIsGoneIsReset) {
  struct Case {
    const char* name;
    const ScratchNamespace* client;
    std::vector<Endpoint> left;
  };
  Loaded table(*node, kCidrs);
  auto serverA = listenIn(*podA, SOCK_STREAM, "10.244.0.1", 8080);
  for (const Case& c : {Case{"another endpoint is left", &*podA, {kInA}}, Case{"no endpoint is left", &*podA, {}},
                        Case{"a client on the node", &*node, {kInA}}}) {
    ScratchNamespace gone;
    link(gone, "vethGone", ip("10.244.0.9"));
    auto server = listenIn(gone, SOCK_STREAM, "10.244.0.9", 8080);
    table.set(kWeb, {{base::IpAddress::ipv4(0x0af40009), 8080}});
    base::Fd client = socketIn(*c.client, SOCK_STREAM);
    SocketAddress target = address("10.96.0.1", 80);
    ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0) << c.name;
    table.set(kWeb, Backends(c.left));
    node->run([] {
      linux::NetlinkSocket socket(0);
      linux::removeLink(socket, "vethGone");
      linux::endConnections(ip("10.244.0.9"));
    });
    char byte;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1) << c.name;
    EXPECT_EQ(errno, ECONNRESET) << c.name;
  }
  EXPECT_EQ(accepted(serverA), "") << "nobody was led on";
}

// Straight to its address, without a Service; and a server whose client was in such a pod.
TEST_F(KernelTableTest, WhoTalksToThePodsOwnAddressIsResetTooWhenItIsGone) {
  Cidrs cidrs = kCidrs;
  cidrs.pods = base::IpPrefix::parse("10.244.0.0/24");
  Loaded table(*node, cidrs);
  struct Case {
    const char* name;
    const ScratchNamespace* other;
    const char* at;
    bool isClient;
  };
  for (const Case& c :
       {Case{"a client in a pod", &*podA, "10.244.0.1", true}, Case{"a client on the node", &*node, "192.0.2.1", true},
        Case{"a server in a pod", &*podA, "10.244.0.1", false},
        Case{"a server on the node", &*node, "192.0.2.1", false}}) {
    ScratchNamespace gone;
    link(gone, "vethGone", ip("10.244.0.9"));
    const ScratchNamespace& clients = c.isClient ? *c.other : gone;
    const char* server = c.isClient ? "10.244.0.9" : c.at;
    auto listener = listenIn(c.isClient ? gone : *c.other, SOCK_STREAM, server, 8080);
    base::Fd client = socketIn(clients, SOCK_STREAM);
    SocketAddress target = address(server, 8080);
    ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0) << c.name;
    pollfd waiting{listener.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&waiting, 1, 2000), 1) << c.name;
    base::Fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    timeval patience{.tv_sec = 10};
    ::setsockopt(accepted.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    node->run([] {
      linux::NetlinkSocket socket(0);
      linux::removeLink(socket, "vethGone");
      linux::endConnections(ip("10.244.0.9"));
    });
    char byte;
    EXPECT_EQ(::recv(c.isClient ? client.get() : accepted.get(), &byte, 1, 0), -1) << c.name;
    EXPECT_EQ(errno, ECONNRESET) << c.name;
    EXPECT_EQ(connectFrom(*c.other, "10.244.0.9", 8080), ECONNREFUSED) << c.name;
  }
}

// The news that an endpoint is gone may come after its pod went: a forced deletion waits for nobody.
TEST_F(KernelTableTest, AnIdleClientIsResetThoughTheServiceStillLeadsToThePodThatIsGone) {
  Cidrs cidrs = kCidrs;
  cidrs.pods = base::IpPrefix::parse("10.244.0.0/24");
  Loaded table(*node, cidrs);
  for (const ScratchNamespace* where : {&*podA, &*node}) {
    const char* name = where == &*node ? "a client on the node" : "a client in a pod";
    ScratchNamespace gone;
    link(gone, "vethGone", ip("10.244.0.9"));
    auto server = listenIn(gone, SOCK_STREAM, "10.244.0.9", 8080);
    table.set(kWeb, {{base::IpAddress::ipv4(0x0af40009), 8080}});
    base::Fd client = socketIn(*where, SOCK_STREAM);
    SocketAddress target = address("10.96.0.1", 80);
    ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0) << name;
    node->run([] {
      linux::NetlinkSocket socket(0);
      linux::removeLink(socket, "vethGone");
      linux::endConnections(ip("10.244.0.9"));
    });
    char byte;
    EXPECT_EQ(::recv(client.get(), &byte, 1, 0), -1) << name;
    EXPECT_EQ(errno, ECONNRESET) << name;
    EXPECT_EQ(connectFrom(*where, "10.96.0.1", 80), ECONNREFUSED) << name;
  }
}

// A client that doesn't read answers what its pod asks of the window, and the kernel limits how often it answers.
TEST_F(KernelTableTest, AClientThatAnsweredItsPodJustNowIsResetToo) {
  Loaded table(*node, kCidrs);
  podA->run([] { linux::writeSysctl("net/ipv4/tcp_invalid_ratelimit", "60000"); });
  ScratchNamespace gone;
  link(gone, "vethGone", ip("10.244.0.9"));
  auto server = listenIn(gone, SOCK_STREAM, "10.244.0.9", 8080);
  table.set(kWeb, {{base::IpAddress::ipv4(0x0af40009), 8080}});
  base::Fd client = socketIn(*podA, SOCK_STREAM);
  int little = 4096;
  ::setsockopt(client.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  SocketAddress target = address("10.96.0.1", 80);
  ASSERT_EQ(::connect(client.get(), generic(target), target.size), 0);
  pollfd coming{server.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&coming, 1, 2000), 1);
  base::Fd accepted(::accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::string much(50'000, 'x');
  ASSERT_GT(::send(accepted.get(), much.data(), much.size(), MSG_DONTWAIT), 0);
  std::this_thread::sleep_for(std::chrono::seconds(1));  // a first question of a closed window comes after 0.2 s
  table.set(kWeb, {kInA});
  node->run([] {
    linux::NetlinkSocket socket(0);
    linux::removeLink(socket, "vethGone");
    linux::endConnections(ip("10.244.0.9"));
  });
  pollfd waiting{client.get(), POLLRDHUP, 0};
  ASSERT_EQ(::poll(&waiting, 1, 5000), 1) << "it was not told";
  EXPECT_TRUE(waiting.revents & POLLERR);
}

}  // namespace
}  // namespace wherry::proxy
