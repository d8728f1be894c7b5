#include "kubelet/shutdown/node_shutdown.h"

#include <set>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/guarded.h"
#include "base/queue.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

using namespace std::chrono_literals;

meta::ObjectPtr podOf(const char* name, int64_t priority, const char* phase = "Running") {
  return makePod(fmt::format("{{priority: {}}}", priority), fmt::format("{{name: {0}, uid: {0}}}", name),
                 fmt::format("phase: {}", phase))
      .object();
}

// Three pods: "web", "dns", which is critical, and "done", which is over.
class Shutdown : public testing::Test {
 protected:
  std::string next() { return did.pop({}).value_or("nothing"); }
  void release(const std::string& uid) {
    holding.with([&](auto& uids) { uids.erase(uid); });
    shutdown.check();
  }

  base::Queue<std::string> did{100};
  base::Guarded<std::set<std::string>> holding{std::set<std::string>{"web", "dns", "done"}};
  NodeShutdown shutdown{
      {.periods = {600s, 300s},
       .pods =
           [] {
             return std::vector{podOf("web", 0), podOf("dns", 2'000'000'000), podOf("done", 0, "Succeeded")};
           },
       .end = [this](const std::string& uid, PodEnd end) { did.tryPush(uid + ": " + end.reason); },
       .holds = [this](const std::string& uid) { return holding.with([&](auto& uids) { return uids.contains(uid); }); },
       .onBegin = [this] { did.tryPush("begins"); }}};
};

TEST_F(Shutdown, WaitsUntilEachGroupHoldsNothing) {
  std::jthread down([&] {
    shutdown.run();
    did.tryPush("over");
  });
  EXPECT_EQ(next(), "begins");
  EXPECT_TRUE(shutdown.begun());
  EXPECT_EQ(next(), "web: Terminated");
  shutdown.check();  // of somebody else
  release("web");
  EXPECT_EQ(next(), "dns: Terminated");
  release("dns");
  release("done");
  EXPECT_EQ(next(), "over");
}

TEST_F(Shutdown, WhoAsksAgainWaitsAsWell) {
  std::jthread first([&] { shutdown.run(); });
  EXPECT_EQ(next(), "begins");
  EXPECT_EQ(next(), "web: Terminated");
  std::jthread second([&] {
    shutdown.run();
    did.tryPush("over");
  });
  EXPECT_EQ(next(), "web: Terminated");
  for (const char* uid : {"web", "dns", "done"}) release(uid);
  while (next() != "over") {
  }
}

}  // namespace
}  // namespace wherry::kubelet
