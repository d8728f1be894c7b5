// The proxy from API objects to connections: an API server that says what the test tells it to, the real kernel.
#include "proxy/proxy.h"

#include <deque>
#include <map>

#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "base/guarded.h"
#include "json/yaml.h"
#include "linux/links.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"
#include "linux/routes.h"
#include "proxy/ruleset.h"
#include "proxy/scratch_sockets.h"

namespace wherry::proxy {
namespace {

using client::EventType;
using client::WatchEvent;
using linux::ScratchNamespace;

// One queue of events for each resource; lists are empty.
class ScriptedServer : public client::Client {
 public:
  void say(const std::string& resource, EventType type, const std::string& manifest, int64_t revision) {
    auto object = std::make_shared<const meta::Object>(json::parseYaml(manifest));
    auto wake = feeds_.with([&](auto& feeds) {
      feeds[resource].events.push_back({type, object, revision});
      return std::exchange(feeds[resource].wake, nullptr);
    });
    if (wake) wake();
  }

  client::ObjectList list(const meta::Resource&, std::string_view, const client::ListOptions&) override {
    return {.items = {}, .revision = 1};
  }
  std::unique_ptr<client::Watch> watch(const meta::Resource& resource, std::string_view,
                                       const client::ListOptions&) override {
    return std::make_unique<FeedWatch>(feeds_, resource.resource);
  }

  meta::ObjectPtr get(const meta::Resource&, std::string_view, std::string_view) override { return nullptr; }
  meta::ObjectPtr create(const meta::Resource&, std::string_view, const json::Value&,
                         const client::WriteOptions&) override {
    return nullptr;
  }
  meta::ObjectPtr update(const meta::Resource&, std::string_view, const json::Value&,
                         const client::WriteOptions&) override {
    return nullptr;
  }
  meta::ObjectPtr patch(const meta::Resource&, std::string_view, std::string_view, client::PatchType,
                        const json::Value&, const client::WriteOptions&) override {
    return nullptr;
  }
  void remove(const meta::Resource&, std::string_view, std::string_view, const client::DeleteOptions&) override {}
  meta::ObjectPtr createSubresource(const meta::Resource&, std::string_view, std::string_view, std::string_view,
                                    const json::Value&) override {
    return nullptr;
  }

 private:
  struct Feed {
    std::deque<WatchEvent> events;
    std::function<void()> wake;
  };
  using Feeds = base::Guarded<std::map<std::string, Feed>>;

  class FeedWatch : public client::Watch {
   public:
    FeedWatch(Feeds& feeds, std::string resource) : feeds_(feeds), resource_(std::move(resource)) {}
    std::optional<WatchEvent> next(std::stop_token) override { return std::nullopt; }
    std::optional<WatchEvent> tryNext() override {
      return feeds_.with([&](auto& feeds) -> std::optional<WatchEvent> {
        Feed& feed = feeds[resource_];
        if (feed.events.empty()) {
          feed.wake = wake_;
          return std::nullopt;
        }
        WatchEvent event = std::move(feed.events.front());
        feed.events.pop_front();
        return event;
      });
    }
    void onReady(std::function<void()> wake) override { wake_ = std::move(wake); }

   private:
    Feeds& feeds_;
    std::string resource_;
    std::function<void()> wake_;
  };

  Feeds feeds_;
};

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
