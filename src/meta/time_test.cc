#include "meta/time.h"

#include <gtest/gtest.h>

namespace wherry::meta {
namespace {

struct Case {
  const char* name;
  const char* input;
  const char* expected;  // in microseconds; "" when refused
};

class ParseTimeTest : public testing::TestWithParam<Case> {};

TEST_P(ParseTimeTest, readsRfc3339) {
  auto time = parseTime(GetParam().input);
  EXPECT_EQ(time ? formatMicroTime(*time) : "", GetParam().expected) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Table, ParseTimeTest,
    testing::Values(Case{"seconds", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000Z"},
                    Case{"a fraction", "2026-01-02T03:04:05.000006Z", "2026-01-02T03:04:05.000006Z"},
                    Case{"nanoseconds", "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"},
                    Case{"east of UTC", "2026-01-02T03:04:05+01:30", "2026-01-02T01:34:05.000000Z"},
                    Case{"west of UTC", "2026-01-02T23:04:05-01:00", "2026-01-03T00:04:05.000000Z"},
                    Case{"a leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"},
                    Case{"before 1970", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000000Z"},
                    Case{"no leap day", "2025-02-29T00:00:00Z", ""}, Case{"no zone", "2026-01-02T03:04:05", ""},
                    Case{"no time", "2026-01-02", ""}, Case{"hour 24", "2026-01-02T24:00:00Z", ""},
                    Case{"a point without digits", "2026-01-02T03:04:05.Z", ""},
                    Case{"something behind", "2026-01-02T03:04:05Zx", ""},
                    Case{"a sign in a number", "2026-01-02T+3:04:05Z", ""},
                    Case{"a year the clock can't hold", "9999-01-01T00:00:00Z", ""}, Case{"empty", "", ""}));

TEST(FormatTimeTest, isInWholeSeconds) {
  EXPECT_EQ(formatTime(*parseTime("2026-01-02T03:04:05.9Z")), "2026-01-02T03:04:05Z");
}

TEST(HumanDurationTest, isWhatKubectlShows) {
  using namespace std::chrono_literals;
  std::pair<std::chrono::seconds, const char*> cases[] = {
      {0s, "0s"},          {-1s, "0s"},         {-5s, "<invalid>"},  {119s, "119s"},       {2min, "2m"},
      {200s, "3m20s"},     {10min, "10m"},      {10min + 5s, "10m"}, {179min, "179m"},     {3h, "3h"},
      {3h + 5min, "3h5m"}, {8h + 5min, "8h"},   {47h, "47h"},        {48h, "2d"},          {52h, "2d4h"},
      {24h * 8, "8d"},     {24h * 729, "729d"}, {24h * 730, "2y"},   {24h * 740, "2y10d"}, {24h * 365 * 9, "9y"}};
  for (const auto& [age, text] : cases) EXPECT_EQ(humanDuration(age), text);
}

}  // namespace
}  // namespace wherry::meta
