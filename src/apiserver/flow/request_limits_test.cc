#include "apiserver/flow/request_limits.h"

#include <vector>

#include <gtest/gtest.h>

#include "meta/status.h"

namespace wherry::apiserver {
namespace {

const User kJane{"jane", {"system:authenticated"}, ""};
const User kJoe{"joe", {"system:authenticated"}, ""};
const User kRoot{"root", {"system:masters"}, ""};

std::string outcome(RequestLimiter& limiter, const User& user, std::string_view ns, bool lasting = false) {
  try {
    limiter.admit(user, ns, lasting);
    return "admitted";
  } catch (const meta::StatusError& error) {
    return error.reason() + " after " + std::to_string(error.retryAfterSeconds().value_or(0));
  }
}

TEST(RequestLimits, EachLimitRefusesWhatIsBeyondItAndLetsInAgain) {
  RequestLimiter limiter({.requests = 3, .requestsOfUser = 2, .requestsOfNamespace = 1, .watches = 1});
  auto first = limiter.admit(kJane, "a", false);
  EXPECT_EQ(outcome(limiter, kJoe, "a"), "TooManyRequests after 1") << "the namespace is full";
  EXPECT_EQ(outcome(limiter, kJoe, "b"), "admitted");
  auto second = limiter.admit(kJane, "", false);
  EXPECT_EQ(outcome(limiter, kJane, ""), "TooManyRequests after 1") << "the user has two";
  auto third = limiter.admit(kJoe, "", false);
  EXPECT_EQ(outcome(limiter, kJoe, ""), "TooManyRequests after 1") << "the server has three";
  EXPECT_EQ(outcome(limiter, kRoot, "a"), "admitted") << "administrators always";
  second.release();
  EXPECT_EQ(outcome(limiter, kJoe, ""), "admitted");
  first = {};
  EXPECT_EQ(outcome(limiter, kJoe, "a"), "admitted");
}

TEST(RequestLimits, WatchesAreCountedApart) {
  RequestLimiter limiter({.requests = 1, .watches = 2, .watchesOfUser = 1});
  auto watch = limiter.admit(kJane, "a", true);
  EXPECT_EQ(outcome(limiter, kJane, "a"), "admitted");
  EXPECT_EQ(outcome(limiter, kJane, "a", true), "TooManyRequests after 1");
  auto other = limiter.admit(kJoe, "a", true);
  EXPECT_EQ(outcome(limiter, {"jim", {}, ""}, "a", true), "TooManyRequests after 1");
}

}  // namespace
}  // namespace wherry::apiserver
