#include "meta/cron_schedule.h"

#include <gtest/gtest.h>

#include "meta/time.h"
#include "meta/time_zone_test_data.h"

namespace wherry::meta {
namespace {

// The next `count` times after `from`.
std::string nextTimes(const char* schedule, std::string_view from, int count = 1, const char* zone = "UTC0") {
  const auto parsed = CronSchedule::parse(schedule);
  if (!parsed.schedule) return parsed.error;
  std::string text;
  auto time = *parseTime(from);
  for (int i = 0; i < count; ++i) {
    const auto next = parsed.schedule->next(time, zoneOf(zone));
    if (!next) return text + "never";
    text += (i > 0 ? " " : "") + formatTime(*next);
    time = *next;
  }
  return text;
}

TEST(CronSchedule, SaysWhenItIsDueNext) {
  struct Case {
    const char* schedule;
    const char* from;
    const char* next;
  };
  const char* const kThursday = "2026-01-01T10:20:30Z";
  const Case cases[] = {
      {"* * * * *", kThursday, "2026-01-01T10:21:00Z"},
      {"* * * * *", "2026-01-01T10:20:00Z", "2026-01-01T10:21:00Z"},
      {"*/15 * * * *", kThursday, "2026-01-01T10:30:00Z"},
      {"5/20 * * * *", kThursday, "2026-01-01T10:25:00Z"},
      {"10-19/3,50 * * * *", kThursday, "2026-01-01T10:50:00Z"},
      {"0 9 * * *", kThursday, "2026-01-02T09:00:00Z"},
      {"? 12 * * ?", kThursday, "2026-01-01T12:00:00Z"},
      {"0 0 29 2 *", kThursday, "2028-02-29T00:00:00Z"},
      {"0 0 1 jan,JUL *", kThursday, "2026-07-01T00:00:00Z"},
      {"0 0 * * mon-wed", kThursday, "2026-01-05T00:00:00Z"},
      {"0 0 * * 0", kThursday, "2026-01-04T00:00:00Z"},
      {"0 0 13 * fri", kThursday, "2026-01-02T00:00:00Z"},   // either of the two
      {"0 0 */5 * fri", kThursday, "2026-01-02T00:00:00Z"},  // with a step it is restricted, too
      {"0 0 * * fri", "2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z"},
      {"@yearly", kThursday, "2027-01-01T00:00:00Z"},
      {"@annually", kThursday, "2027-01-01T00:00:00Z"},
      {"@monthly", kThursday, "2026-02-01T00:00:00Z"},
      {"@weekly", kThursday, "2026-01-04T00:00:00Z"},
      {"@daily", kThursday, "2026-01-02T00:00:00Z"},
      {"@midnight", kThursday, "2026-01-02T00:00:00Z"},
      {"@hourly", kThursday, "2026-01-01T11:00:00Z"},
      {"@every 1h30m", kThursday, "2026-01-01T11:50:30Z"},
      {"@every 1ms", kThursday, "2026-01-01T10:20:31Z"},
      {"0 0 31 2 *", kThursday, "never"},
      {", * * * *", kThursday, "never"},
  };
  for (const auto& each : cases) EXPECT_EQ(nextTimes(each.schedule, each.from), each.next) << each.schedule;
}

TEST(CronSchedule, FollowsTheClocksOfItsZone) {
  const char* const kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
  EXPECT_EQ(nextTimes("0 9 * * *", "2026-03-28T00:00:00Z", 2, kBerlin), "2026-03-28T08:00:00Z 2026-03-29T07:00:00Z");
  // 2:30 doesn't come on the day on which summer begins,
  EXPECT_EQ(nextTimes("30 2 * * *", "2026-03-28T00:00:00Z", 2, kBerlin), "2026-03-28T01:30:00Z 2026-03-30T00:30:00Z");
  // and comes twice on the day on which it ends.
  EXPECT_EQ(nextTimes("30 2 * * *", "2026-10-24T22:00:00Z", 3, kBerlin),
            "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z 2026-10-26T01:30:00Z");
}

TEST(CronSchedule, SaysWhatIsWrong) {
  struct Case {
    const char* schedule;
    const char* error;
  };
  const Case cases[] = {
      {"", "empty spec string"},
      {"error", "expected exactly 5 fields, found 1: [error]"},
      {"* * * *", "expected exactly 5 fields, found 4: [* * * *]"},
      {"* * * * * *", "expected exactly 5 fields, found 6: [* * * * * *]"},
      {"60 * * * *", "end of range (60) above maximum (59): 60"},
      {"* * 0 * *", "beginning of range (0) below minimum (1): 0"},
      {"* * * * 7", "end of range (7) above maximum (6): 7"},
      {"5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"},
      {"*/0 * * * *", "step of range should be a positive number: */0"},
      {"1-2-3 * * * *", "too many hyphens: 1-2-3"},
      {"*/2/3 * * * *", "too many slashes: */2/3"},
      {"* * * foo *", "failed to parse int from foo: strconv.Atoi: parsing \"foo\": invalid syntax"},
      {"-5 * * * *", "failed to parse int from : strconv.Atoi: parsing \"\": invalid syntax"},
      {"@never", "unrecognized descriptor: @never"},
      {"@every", "unrecognized descriptor: @every"},
      {"@every fast", "failed to parse duration @every fast: time: invalid duration \"fast\""},
      {"@every 5", "failed to parse duration @every 5: time: missing unit in duration \"5\""},
      {"@every 5y", "failed to parse duration @every 5y: time: unknown unit \"y\" in duration \"5y\""},
  };
  for (const auto& each : cases) EXPECT_EQ(CronSchedule::parse(each.schedule).error, each.error) << each.schedule;
}

TEST(GoDuration, IsASumOfParts) {
  const auto parse = [](const char* text) {
    std::string error;
    const auto duration = parseGoDuration(text, error);
    return duration ? duration->count() : -1;
  };
  EXPECT_EQ(parse("1h30m"), 5'400'000'000'000);
  EXPECT_EQ(parse("1.5s"), 1'500'000'000);
  EXPECT_EQ(parse("2us"), 2'000);
  EXPECT_EQ(parse("0"), 0);
  EXPECT_EQ(parse("9999999999999h"), -1);
}

}  // namespace
}  // namespace wherry::meta
