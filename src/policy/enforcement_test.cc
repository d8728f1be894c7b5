// From API objects to the kernel's table: an API server that says what the test tells it to, the real kernel.
#include "policy/enforcement.h"

#include <atomic>

#include <gtest/gtest.h>
#include <linux/netlink.h>

#include "client/scripted_server.h"
#include "linux/nft/base_chains.h"
#include "linux/nft/batch.h"
#include "linux/scratch_node.h"
#include "policy/ruleset.h"
#include "views/networking_v1.h"

namespace wherry::policy {
namespace {

using client::EventType;
using linux::connectFrom;

const char* const kPolicy = R"(
metadata: {name: db, namespace: default, resourceVersion: "20"}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}
)";

std::string pod(const std::string& name, const std::string& app, const std::string& address, int64_t revision) {
  return "metadata: {name: " + name + ", namespace: default, uid: " + name + ", labels: {app: " + app +
         "}, resourceVersion: \"" + std::to_string(revision) + "\"}\nspec: {containers: [{name: c}]}\n" +
         "status: {phase: Running, podIPs: [{ip: " + address + "}]}";
}

class EnforcementTest : public linux::ScratchNodeTest {
 protected:
  void start() {
    enforcement = std::make_unique<Enforcement>(informers, EnforcementOptions{.podCidr = "10.244.0.0/24"});
    node->run([&] {  // threads are of the namespace of who starts them
      informers.start();
      enforcement->start();
    });
  }
  void TearDown() override { informers.stop(); }

  void say(const char* resource, EventType type, const std::string& manifest, int64_t revision) {
    server.say(resource, type, manifest, revision);
  }
  bool judged(int64_t revision) const {
    return enforcement->applied().waitUntil([&](int64_t applied) { return applied >= revision; },
                                            std::chrono::seconds(30));
  }
  bool anyPolicyJudged() const {
    return enforcement->applied().waitUntil(
        [](int64_t applied) { return applied > 0 && applied < Enforcement::kNothingToJudge; },
        std::chrono::seconds(30));
  }
  bool hasTable() const {
    bool has = false;
    node->run([&] {
      linux::NetlinkSocket socket(NETLINK_NETFILTER);
      has = linux::nft::tableExists(socket, kTable);
    });
    return has;
  }

  client::ScriptedServer server;
  client::InformerFactory informers{server};
  std::unique_ptr<Enforcement> enforcement;
};

TEST_F(EnforcementTest, WithoutAPolicyThereIsNoTable) {
  start();
  EXPECT_TRUE(judged(Enforcement::kNothingToJudge));
  say("pods", EventType::kAdded, pod("db", "db", "10.244.0.2", 10), 10);
  EXPECT_FALSE(hasTable());
  say("networkpolicies", EventType::kAdded, kPolicy, 20);
  ASSERT_TRUE(anyPolicyJudged());
  EXPECT_TRUE(hasTable());
  say("networkpolicies", EventType::kDeleted, kPolicy, 21);
  EXPECT_TRUE(judged(Enforcement::kNothingToJudge));
  EXPECT_FALSE(hasTable());
}

TEST_F(EnforcementTest, APodIsJudgedByTheRevisionThatHasItsAddress) {
  say("networkpolicies", EventType::kAdded, kPolicy, 20);
  start();
  ASSERT_TRUE(anyPolicyJudged());
  auto server = linux::listenIn(*podB, SOCK_STREAM, "10.244.0.2", 5432);
  say("pods", EventType::kAdded, pod("db", "db", "10.244.0.2", 30), 30);
  say("pods", EventType::kAdded, pod("a", "other", "10.244.0.1", 31), 31);
  ASSERT_TRUE(judged(31));
  EXPECT_EQ(connectFrom(*podA, "10.244.0.2", 5432), ECONNREFUSED);
  say("pods", EventType::kModified, pod("a", "web", "10.244.0.1", 32), 32);
  ASSERT_TRUE(judged(32));
  EXPECT_EQ(connectFrom(*podA, "10.244.0.2", 5432), 0);
}

// Pods come by the same thread, so one that is made after the policy can't start before the policy's table is there.
TEST_F(EnforcementTest, WhoHearsOfAPolicyIsNotToldThatThereIsNothingToJudge) {
  start();
  std::atomic<int> heard{0}, told{0};
  informers.informer(networking_v1::NetworkPolicy::kResource())
      .addHandler({.onChange =
                       [&](const meta::ObjectPtr&, const meta::ObjectPtr& after) {
                         heard += after ? 1 : 0;
                         told += after && *enforcement->applied().load() == Enforcement::kNothingToJudge ? 1 : 0;
                       },
                   .onSynced = {},
                   .onRevision = {}});
  for (int64_t revision = 20; revision < 60; revision += 2) {
    ASSERT_TRUE(judged(Enforcement::kNothingToJudge));
    say("networkpolicies", EventType::kAdded, kPolicy, revision);
    if (revision % 4 == 0) {  // else it may be gone again before anybody acts
      ASSERT_TRUE(anyPolicyJudged());
    }
    say("networkpolicies", EventType::kDeleted, kPolicy, revision + 1);
  }
  EXPECT_TRUE(judged(Enforcement::kNothingToJudge));
  informers.stop();
  EXPECT_EQ(heard, 20);
  EXPECT_EQ(told, 0);
}

TEST_F(EnforcementTest, ATableThatSomebodyRemovesIsWrittenAnew) {
  say("networkpolicies", EventType::kAdded, kPolicy, 20);
  start();
  ASSERT_TRUE(anyPolicyJudged());
  say("pods", EventType::kAdded, pod("db", "db", "10.244.0.2", 30), 30);
  ASSERT_TRUE(judged(30));
  node->run([] {
    linux::NetlinkSocket socket(NETLINK_NETFILTER);
    linux::nft::Batch batch;
    batch.deleteTable(kTable);
    batch.commit(socket);
  });
  // Whether it is told of that first, or finds the change refused.
  say("pods", EventType::kAdded, pod("a", "web", "10.244.0.1", 31), 31);
  ASSERT_TRUE(judged(31));
  EXPECT_TRUE(hasTable());
}

}  // namespace
}  // namespace wherry::policy
