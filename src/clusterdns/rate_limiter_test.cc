#include "clusterdns/rate_limiter.h"

#include <gtest/gtest.h>

#include "base/ip.h"
#include "clusterdns/prefixes.h"

namespace wherry::clusterdns {
namespace {

const std::string kAddress = *base::parseIp("198.51.100.1");

struct Taken {
  int answered = 0, truncated = 0, dropped = 0;
};

Taken take(RateLimiter& limiter, const std::string& address, base::MonotonicTime now, int times) {
  Taken taken;
  for (int i = 0; i < times; ++i) {
    auto verdict = limiter.take(address, now);
    ++(verdict == RateLimiter::Verdict::kAnswer     ? taken.answered
       : verdict == RateLimiter::Verdict::kTruncate ? taken.truncated
                                                    : taken.dropped);
  }
  return taken;
}

TEST(RateLimiterTest, GivesASecondsWorthAtOnceAndThenTheRate) {
  RateLimiter limiter(100);
  base::MonotonicTime now{std::chrono::hours(1)};
  Taken taken = take(limiter, kAddress, now, 300);
  EXPECT_EQ(taken.answered, 100);
  EXPECT_EQ(taken.truncated, 100);
  EXPECT_EQ(taken.dropped, 100);
  EXPECT_EQ(take(limiter, kAddress, now + std::chrono::milliseconds(50), 300).answered, 5);
  EXPECT_EQ(take(limiter, kAddress, now + std::chrono::minutes(1), 300).answered, 100);
}

TEST(RateLimiterTest, EachAddressHasItsOwn) {
  RateLimiter limiter(100);
  base::MonotonicTime now{std::chrono::hours(1)};
  take(limiter, kAddress, now, 300);
  EXPECT_EQ(take(limiter, *base::parseIp("198.51.100.2"), now, 300).answered, 100);
  EXPECT_EQ(take(limiter, *base::parseIp("2001:db8::1"), now, 300).answered, 100);
  EXPECT_EQ(take(limiter, *base::parseIp("2001:db8::2"), now, 300).answered, 0) << "the same network";
}

TEST(RateLimiterTest, NoLimitIsNone) {
  RateLimiter limiter(0);
  EXPECT_EQ(take(limiter, kAddress, base::MonotonicTime{}, 10'000).answered, 10'000);
}

TEST(PrefixesTest, HoldAddressesOfTheirFamily) {
  Prefixes prefixes = Prefixes::parse({"10.244.0.0/16", "192.0.2.1", "2001:db8::/33"});
  const std::pair<const char*, bool> kCases[] = {
      {"10.244.255.255", true}, {"10.245.0.0", false},       {"192.0.2.1", true},     {"192.0.2.2", false},
      {"2001:db8::1", true},    {"2001:db8:8000::1", false}, {"::10.244.0.1", false},
  };
  for (const auto& [address, inside] : kCases) EXPECT_EQ(prefixes.contains(*base::parseIp(address)), inside) << address;
  EXPECT_TRUE(Prefixes::parse({"0.0.0.0/0"}).contains(kAddress));
  EXPECT_FALSE(Prefixes().contains(kAddress));
  for (const char* wrong : {"10.0.0.0/33", "10.0.0/8", "", "10.0.0.0/", "::1/129", "all"}) {
    EXPECT_THROW(Prefixes::parse({wrong}), std::invalid_argument) << wrong;
  }
}

}  // namespace
}  // namespace wherry::clusterdns
