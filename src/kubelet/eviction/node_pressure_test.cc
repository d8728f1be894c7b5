#include "kubelet/eviction/node_pressure.h"

#include <atomic>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/queue.h"
#include "kubelet/testing/pod_fixture.h"

namespace wherry::kubelet {
namespace {

// A node with a disk of 1000 bytes, of which 10 % must be free, and two pods: "hog" and "mouse".
class NodePressureLooks : public testing::Test {
 protected:
  // What NodePressure did last, as soon as it did; the test hangs where it never does.
  std::string next() { return did.pop({}).value_or("nothing"); }
  void expectUntil(const std::string& what) {
    for (std::string seen = next(); seen != what; seen = next()) EXPECT_FALSE(seen.starts_with("evict")) << seen;
  }
  void note(std::string what) { did.tryPush(std::move(what)); }

  PodUse useOf(const char* name, int64_t bytes) const {
    PodUse use{.pod = makePod("{}", fmt::format("{{name: {0}, uid: {0}}}", name))};
    use.volumes = bytes;
    return use;
  }

  NodePressureOptions options() {
    return {.settings = parseEviction({.hard = "nodefs.available<10%", .transition = "0s"}),
            .measure =
                [this] {
                  note("measure");
                  return Supplies{{Signal::kNodeFs, {1000, available}}};
                },
            .pods =
                [this](NodePressureOptions::Measure) {
                  return std::vector{useOf("mouse", 10), useOf("hog", 900)};
                },
            .holds =
                [this](const std::string& uid) {
                  const bool is = holds;
                  note((is ? "still there: " : "gone: ") + uid);
                  return is;
                },
            .makeRoom = [](uint64_t) {},
            .evict = [this](const PodUse& use, PodEnd) { note("evict " + std::string(use.pod.metadata().name())); },
            .enforceLimits = []() -> std::optional<int64_t> { return std::nullopt; },
            .onConditions = [this] { note("conditions"); },
            .tell = [](const std::string&) {},
            .clock = clock};
  }

  std::atomic<int64_t> available{1000};
  std::atomic<bool> holds{true};
  base::ManualClock clock;
  base::Queue<std::string> did{1000};
};

TEST_F(NodePressureLooks, NobodyElseGoesWhileWhatThePodLeftIsStillThere) {
  NodePressure pressure(options());
  pressure.start();
  expectUntil("measure");
  available = 50;
  pressure.check();
  while (next() != "evict hog") {
  }
  EXPECT_EQ(pressure.conditions(), (std::set<std::string>{"DiskPressure"}));
  for (int i = 0; i < 3; ++i) {
    pressure.check();
    expectUntil("still there: hog");
  }
  // Its files go, and with them the pressure.
  holds = false;
  available = 500;
  clock.advance(std::chrono::seconds(1));
  pressure.check();
  expectUntil("conditions");
  EXPECT_TRUE(pressure.conditions().empty());
}

TEST_F(NodePressureLooks, TheNextOneGoesWhenThatWasNotEnough) {
  holds = false;
  available = 50;
  NodePressure pressure(options());
  pressure.start();
  while (next() != "evict hog") {
  }
  pressure.check();
  expectUntil("gone: hog");
  while (!next().starts_with("evict")) {
  }
}

TEST_F(NodePressureLooks, IsNotWaitedForForEver) {
  available = 50;
  NodePressure pressure(options());
  pressure.start();
  while (next() != "evict hog") {
  }
  clock.advance(std::chrono::seconds(40));
  pressure.check();
  while (!next().starts_with("evict")) {
  }
}

}  // namespace
}  // namespace wherry::kubelet
