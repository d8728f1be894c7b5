#include "main/readiness.h"

#include <thread>

#include <gtest/gtest.h>

namespace wherry::main {
namespace {

using std::chrono::milliseconds;

TEST(ReadinessTest, IsReadyWhenEveryNamedPartIs) {
  Readiness readiness;
  EXPECT_FALSE(readiness.ready()) << "nothing is named";
  readiness.set("api", false, "starting");
  readiness.set("dns", false, "starting");
  readiness.setReady("api");
  EXPECT_FALSE(readiness.waitReady(milliseconds(1)));
  std::jthread later([&] { readiness.setReady("dns"); });
  EXPECT_TRUE(readiness.waitReady(std::chrono::seconds(10)));
}

TEST(ReadinessTest, WhoSawAStateIsWokenByTheNext) {
  Readiness readiness;
  readiness.set("api", false, "starting");
  int64_t seen = readiness.snapshot()->change;
  readiness.set("api", false, "starting");
  EXPECT_EQ(readiness.snapshot()->change, seen) << "the same again is no change";
  std::jthread later([&] { readiness.set("api", false, "reading"); });
  readiness.waitChange(seen, std::chrono::seconds(10));
  EXPECT_EQ(readiness.snapshot()->parts[0].state, "reading");
  readiness.waitChange(seen, std::chrono::seconds(10));  // returns at once: it has changed since
}

}  // namespace
}  // namespace wherry::main
