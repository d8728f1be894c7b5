// The proxy from API objects to connections: an API server that says what the test tells it to, the real kernel.
#include "proxy/proxy.h"

#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "client/scripted_server.h"
#include "linux/links.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"
#include "linux/routes.h"
#include "linux/scratch_sockets.h"
#include "proxy/ruleset.h"

namespace wherry::proxy {
namespace {

using linux::connectFrom;
using linux::ip;
using linux::listenIn;

using client::EventType;
using client::ScriptedServer;
using linux::ScratchNamespace;

const char* const kService = R"(
metadata: {name: web, namespace: default, uid: a, resourceVersion: "10"}
spec: {clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1], ports: [{port: 80, protocol: TCP}]}
)";

std::string slice(const std::string& endpoints, int64_t revision) {
  return "metadata: {name: web-1, namespace: default, uid: b, resourceVersion: \"" + std::to_string(revision) +
         "\", labels: {kubernetes.io/service-name: web}}\n"
         "addressType: IPv4\n"
         "ports: [{name: \"\", protocol: TCP, port: 8080}]\n"
         "endpoints: " +
         endpoints + "\n";
}

// The only node: its pods are listeners on its own address.
class ProxyTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!ScratchNamespace::allowed()) GTEST_SKIP() << "needs root: it makes network namespaces";
    node.emplace();
    informers.emplace(server);
    node->run([&] {
      linux::NetlinkSocket socket(0);
      linux::addAddress(socket, {.index = 1, .address = ip("192.0.2.1")});
      proxy.emplace(*informers, ProxyOptions{.nodeName = "boat",
                                             .nodeAddresses = {"192.0.2.1", "10.96.0.10"},
                                             .serviceCidr = "10.96.0.0/12"});
      proxy->start();
    });
    informers->start();
  }
  void TearDown() override {
    if (informers) informers->stop();
  }

  bool appliedUpTo(int64_t revision) {
    return proxy->applied().waitUntil([&](int64_t applied) { return applied >= revision; }, std::chrono::seconds(10));
  }

  ScriptedServer server;
  std::optional<ScratchNamespace> node;
  std::optional<client::InformerFactory> informers;
  std::optional<Proxy> proxy;
};

TEST_F(ProxyTest, FollowsAServiceFromItsFirstEndpointToItsEnd) {
  auto listener = listenIn(*node, SOCK_STREAM, "192.0.2.1", 8080);
  server.say("services", EventType::kAdded, kService, 10);
  server.say("endpointslices", EventType::kAdded, slice("[]", 11), 11);
  ASSERT_TRUE(appliedUpTo(11));
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);

  server.say("endpointslices", EventType::kModified, slice("[{addresses: [192.0.2.1]}]", 12), 12);
  ASSERT_TRUE(appliedUpTo(12));
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);

  server.say("endpointslices", EventType::kModified,
             slice("[{addresses: [192.0.2.1], conditions: {ready: false}}]", 13), 13);
  ASSERT_TRUE(appliedUpTo(13));
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);

  server.say("endpointslices", EventType::kDeleted, slice("[]", 14), 14);
  ASSERT_TRUE(appliedUpTo(14));
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), ECONNREFUSED);
}

TEST_F(ProxyTest, WritesATableAnewThatAnotherProgramRemoved) {
  auto listener = listenIn(*node, SOCK_STREAM, "192.0.2.1", 8080);
  server.say("services", EventType::kAdded, kService, 10);
  server.say("endpointslices", EventType::kAdded, slice("[{addresses: [192.0.2.1]}]", 11), 11);
  ASSERT_TRUE(appliedUpTo(11));
  node->run([] {
    linux::NetlinkListener changes(NETLINK_NETFILTER, NFNLGRP_NFTABLES);
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    linux::nft::Batch batch;
    batch.deleteTable(kTable);
    batch.commit(socket);
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!linux::nft::tableExists(socket, kTable)) {
      ASSERT_TRUE(changes.next(deadline, [](uint16_t, std::string_view) {}));
    }
  });
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
}

TEST_F(ProxyTest, RefusesWhatNoServiceHasAndLeavesTheNodesOwnAddressesAlone) {
  auto dns = listenIn(*node, SOCK_STREAM, "0.0.0.0", 53);
  node->run([] { linux::addLoopbackAddress(ip("10.96.0.10")); });
  server.say("services", EventType::kAdded, kService, 10);
  server.say("endpointslices", EventType::kAdded, slice("[{addresses: [192.0.2.1]}]", 11), 11);
  ASSERT_TRUE(appliedUpTo(11));
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 81), ECONNREFUSED);
  EXPECT_EQ(connectFrom(*node, "10.99.0.1", 80), ECONNREFUSED);
  EXPECT_EQ(connectFrom(*node, "10.96.0.10", 53), 0);
}

TEST_F(ProxyTest, LeavesItsRulesWhenItStops) {
  auto listener = listenIn(*node, SOCK_STREAM, "192.0.2.1", 8080);
  server.say("services", EventType::kAdded, kService, 10);
  server.say("endpointslices", EventType::kAdded, slice("[{addresses: [192.0.2.1]}]", 11), 11);
  ASSERT_TRUE(appliedUpTo(11));
  proxy->stop();
  EXPECT_EQ(connectFrom(*node, "10.96.0.1", 80), 0);
}

}  // namespace
}  // namespace wherry::proxy
