// What is kept, for how long, and what is answered out of it; time is handed in.
#include "clusterdns/reply_cache.h"

#include <gtest/gtest.h>

#include "clusterdns/reply_test_support.h"

namespace wherry::clusterdns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using State = ReplyCache::Found::State;
using test::answerTo;

constexpr base::MonotonicTime kStart{seconds(1'000'000)};
const std::string kKey = ReplyCache::keyOf(dns::Name::of("a.").wire(), dns::Type::kA, false, false);

ReplyPtr success(uint32_t ttl) {
  return Reply::read(answerTo("a.", dns::Type::kA, {.answer = {"a. " + std::to_string(ttl) + " A 192.0.2.1"}}));
}
ReplyPtr denial(uint32_t ttl) {
  return Reply::read(answerTo("a.", dns::Type::kA, {.rcode = dns::Rcode::kNxDomain, .soaTtl = ttl, .soaMinimum = ttl}));
}
ReplyPtr failure() { return Reply::failure(dns::Name::of("a."), dns::Type::kA); }

// "fresh 12": what a query gets, and for how many seconds it may keep it.
std::string at(ReplyCache& cache, base::MonotonicTime now, const std::string& key = kKey) {
  ReplyCache::Found found = cache.find(key, now);
  const char* const kStates[] = {"missing", "fresh", "expiring", "stale", "stale only"};
  std::string state = kStates[static_cast<size_t>(found.state)];
  return found.reply ? state + " " + std::to_string(found.age.left) : state;
}

TEST(ReplyCacheTest, AnswersCountDownToTheirEnd) {
  ReplyCache cache({.staleFor = seconds(0)});
  EXPECT_EQ(at(cache, kStart), "missing");
  cache.put(kKey, success(20), kStart);
  EXPECT_EQ(at(cache, kStart), "fresh 20");
  EXPECT_EQ(at(cache, kStart + milliseconds(4500)), "fresh 16");
  EXPECT_EQ(cache.find(kKey, kStart + milliseconds(4500)).age.passed, 4u);
  EXPECT_EQ(at(cache, kStart + seconds(20)), "missing");
}

TEST(ReplyCacheTest, NothingIsKeptLongerThanItsKindMayBe) {
  CacheLimits limits{.success = seconds(100), .denial = seconds(50), .failure = seconds(5), .staleFor = seconds(0)};
  struct Case {
    const char* what;
    ReplyPtr reply;
    const char* first;
  } const kCases[] = {
      {"an answer of a day", success(86400), "fresh 100"},
      {"an answer of a minute", success(60), "fresh 60"},
      {"a denial of a day", denial(86400), "fresh 50"},
      {"a denial of ten seconds", denial(10), "fresh 10"},
      {"a failure: RFC 9520, for a moment", failure(), "fresh 5"},
      {"an answer that may not be kept", success(0), "missing"},
  };
  for (const Case& c : kCases) {
    ReplyCache cache(limits);
    cache.put(kKey, c.reply, kStart);
    EXPECT_EQ(at(cache, kStart), c.first) << c.what;
  }
}

TEST(ReplyCacheTest, WhatHasExpiredIsAskedForAndGivenWhenNobodyAnswers) {
  ReplyCache cache({.failure = seconds(5), .staleFor = seconds(1000)});
  cache.put(kKey, success(20), kStart);
  EXPECT_EQ(at(cache, kStart + seconds(20)), "stale 30");
  EXPECT_FALSE(cache.find(kKey, kStart + seconds(20)).answers());
  cache.put(kKey, failure(), kStart + seconds(21));
  EXPECT_EQ(at(cache, kStart + seconds(21)), "stale only 30") << "at once, without asking again";
  EXPECT_EQ(at(cache, kStart + seconds(50)), "stale only 30");
  EXPECT_EQ(at(cache, kStart + seconds(51)), "stale 30") << "RFC 8767: no more often than every 30 s";
  cache.put(kKey, success(40), kStart + seconds(60));
  EXPECT_EQ(at(cache, kStart + seconds(60)), "fresh 40");
  EXPECT_EQ(at(cache, kStart + seconds(1099)), "stale 30");
  EXPECT_EQ(at(cache, kStart + seconds(1100)), "missing") << "not for ever";
}

TEST(ReplyCacheTest, AFailureAloneIsNeverStale) {
  ReplyCache cache({.failure = seconds(5)});
  cache.put(kKey, failure(), kStart);
  EXPECT_EQ(at(cache, kStart + seconds(4)), "fresh 1");
  EXPECT_EQ(at(cache, kStart + seconds(5)), "missing");
  cache.put(kKey, success(20), kStart + seconds(6));
  EXPECT_EQ(at(cache, kStart + seconds(6)), "fresh 20") << "and gives way to an answer";
}

TEST(ReplyCacheTest, PopularNamesAreAskedForAgainBeforeTheirEndByOneQuery) {
  ReplyCache cache({});
  cache.put(kKey, success(100), kStart);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(at(cache, kStart + seconds(50)), "fresh 50");
  EXPECT_EQ(at(cache, kStart + seconds(89)), "fresh 11");
  EXPECT_EQ(at(cache, kStart + seconds(91)), "expiring 9");
  EXPECT_EQ(at(cache, kStart + seconds(92)), "fresh 8") << "somebody asks already";
  cache.put(kKey, failure(), kStart + seconds(93));
  EXPECT_EQ(at(cache, kStart + seconds(94)), "expiring 6") << "and failed";
  cache.put(kKey, success(100), kStart + seconds(95));
  EXPECT_EQ(at(cache, kStart + seconds(190)), "fresh 5") << "not popular any more";
}

TEST(ReplyCacheTest, DnssecsAnswersAreOthers) {
  ReplyCache cache({});
  std::string wire = dns::Name::of("a.").wire();
  cache.put(ReplyCache::keyOf(wire, dns::Type::kA, true, false), success(20), kStart);
  EXPECT_EQ(at(cache, kStart), "missing");
  EXPECT_EQ(at(cache, kStart, ReplyCache::keyOf(wire, dns::Type::kA, true, true)), "missing");
  EXPECT_EQ(at(cache, kStart, ReplyCache::keyOf(wire, dns::Type::kAaaa, true, false)), "missing");
  EXPECT_EQ(at(cache, kStart, ReplyCache::keyOf(wire, dns::Type::kA, true, false)), "fresh 20");
}

TEST(ReplyCacheTest, IsBoundedAndKeepsWhatIsUsed) {
  CacheLimits limits{.bytes = 1 << 18};
  ReplyCache cache(limits);
  auto key = [](int i) { return ReplyCache::keyOf("name" + std::to_string(i), dns::Type::kA, false, false); };
  for (int i = 0; i < 5000; ++i) {
    cache.put(key(i), success(60), kStart);
    ASSERT_LE(cache.bytes(), limits.bytes);
    ASSERT_EQ(at(cache, kStart, key(0)), "fresh 60") << "used all the time, after " << i;
  }
  EXPECT_GT(cache.bytes(), limits.bytes / 2);
  EXPECT_EQ(at(cache, kStart, key(1)), "missing");
  EXPECT_EQ(at(cache, kStart, key(4999)), "fresh 60");
}

TEST(ReplyCacheTest, WithoutRoomNothingIsKept) {
  ReplyCache cache({.bytes = 0});
  cache.put(kKey, success(20), kStart);
  EXPECT_EQ(at(cache, kStart), "missing");
}

TEST(ReplyCacheTest, ForgetsEverythingWhenToldTo) {
  ReplyCache cache({});
  cache.put(kKey, success(20), kStart);
  cache.clear();
  EXPECT_EQ(at(cache, kStart), "missing");
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace wherry::clusterdns
