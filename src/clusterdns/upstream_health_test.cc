#include "clusterdns/upstream_health.h"

#include <gtest/gtest.h>

namespace wherry::clusterdns {
namespace {

using std::chrono::seconds;
using Change = UpstreamHealth::Change;

constexpr base::MonotonicTime kStart{seconds(1000)};

// "0 2 1?": the order, those that failed lately with a question mark.
std::string order(UpstreamHealth& health, base::MonotonicTime now) {
  std::string out;
  for (const auto& candidate : health.order(now)) {
    out += (out.empty() ? "" : " ") + std::to_string(candidate.index) + (candidate.suspect ? "?" : "");
  }
  return out;
}

TEST(UpstreamHealthTest, WhoFailedIsAskedLastUntilItIsTriedAgain) {
  UpstreamHealth health(3);
  EXPECT_EQ(order(health, kStart), "0 1 2");
  EXPECT_EQ(health.failed(0, kStart), Change::kDown);
  EXPECT_EQ(order(health, kStart), "1 2 0?");
  EXPECT_EQ(order(health, kStart + seconds(1)), "0? 1 2") << "one query tries it";
  EXPECT_EQ(order(health, kStart + seconds(1)), "1 2 0?") << "the others don't";
  EXPECT_EQ(health.succeeded(0), Change::kUp);
  EXPECT_EQ(order(health, kStart + seconds(1)), "0 1 2");
}

TEST(UpstreamHealthTest, TheBackOffGrowsAndIsBounded) {
  UpstreamHealth health(2);
  base::MonotonicTime now = kStart;
  for (int expected : {1, 2, 4, 8, 16, 30, 30}) {
    health.failed(0, now);
    EXPECT_EQ(order(health, now + seconds(expected) - std::chrono::milliseconds(1)), "1 0?") << expected;
    now += seconds(expected);
    EXPECT_EQ(order(health, now), "0? 1") << expected;
    now += seconds(expected);  // the trial fails, after the next one would have been due
  }
}

TEST(UpstreamHealthTest, ManyThatWaitForTheSameSilenceCountOnce) {
  UpstreamHealth health(2);
  EXPECT_EQ(health.failed(0, kStart), Change::kDown);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(health.failed(0, kStart), Change::kNone);
  EXPECT_EQ(order(health, kStart + seconds(1)), "0? 1");
}

TEST(UpstreamHealthTest, WhenAllAreDownAllAreAsked) {
  UpstreamHealth health(2);
  health.failed(0, kStart);
  EXPECT_FALSE(health.allDown());
  health.failed(1, kStart);
  EXPECT_TRUE(health.allDown());
  EXPECT_EQ(order(health, kStart), "0? 1?");
}

}  // namespace
}  // namespace wherry::clusterdns
