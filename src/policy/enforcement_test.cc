// From API objects to the kernel's table: an API server that says what the test tells it to, the real kernel.
#include "policy/enforcement.h"

#include <array>
#include <atomic>
#include <cstdio>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <poll.h>
#include <unistd.h>

#include "base/fd.h"
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

// What is written to stderr from here on, and not shown.
class Errors {
 public:
  Errors() : saved_(::dup(STDERR_FILENO)) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ours_ = base::Fd(ends[0]);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
  }
  ~Errors() { ::dup2(saved_.get(), STDERR_FILENO); }
  void waitFor(const std::string& words) {
    std::string text;
    char c = 0;
    while (text.find(words) == std::string::npos && ::read(ours_.get(), &c, 1) == 1) text += c;
  }

 private:
  base::Fd saved_, ours_;
};

// A table with an owner is nobody else's to remove, and goes with its owner.
TEST_F(EnforcementTest, ATableThatCannotBeRemovedIsTriedAgain) {
  FILE* owner = nullptr;
  node->run([&] { owner = ::popen("nft -i > /dev/null", "w"); });
  ASSERT_NE(owner, nullptr);
  std::fputs("add table ip wherry_policy { flags owner; }\n", owner);
  std::fflush(owner);
  for (int i = 0; i < 1000 && !hasTable(); ++i) ::poll(nullptr, 0, 20);
  ASSERT_TRUE(hasTable());
  {
    Errors errors;
    start();
    errors.waitFor("trying again");
  }
  EXPECT_LT(*enforcement->applied().load(), Enforcement::kNothingToJudge);
  ::pclose(owner);
  EXPECT_TRUE(judged(Enforcement::kNothingToJudge));
}

}  // namespace
}  // namespace wherry::policy
