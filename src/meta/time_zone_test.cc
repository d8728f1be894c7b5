#include "meta/time_zone.h"

#include <gtest/gtest.h>

#include "meta/time.h"
#include "meta/time_zone_test_data.h"

namespace wherry::meta {
namespace {

int64_t offset(const TimeZone& zone, std::string_view time) { return zone.offsetAt(*parseTime(time)).count() / 60; }

TEST(TimeZone, ChangesItsClocksByRule) {
  struct Case {
    const char* name;
    const char* rule;
    const char* time;
    int64_t minutes;
  };
  const char* const kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
  const char* const kSydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";
  const Case cases[] = {
      {"no rule", "UTC0", "2026-07-01T00:00:00Z", 0},
      {"always the same", "<+0530>-5:30", "2026-07-01T00:00:00Z", 330},
      {"to the west", "EST5", "2026-07-01T00:00:00Z", -300},
      {"winter", kBerlin, "2026-01-01T00:00:00Z", 60},
      {"summer", kBerlin, "2026-07-01T00:00:00Z", 120},
      {"the last second of winter", kBerlin, "2026-03-29T00:59:59Z", 60},
      {"the first second of summer", kBerlin, "2026-03-29T01:00:00Z", 120},
      {"the last second of summer", kBerlin, "2026-10-25T00:59:59Z", 120},
      {"winter again", kBerlin, "2026-10-25T01:00:00Z", 60},
      {"summer in the south", kSydney, "2026-01-01T00:00:00Z", 660},
      {"winter in the south", kSydney, "2026-07-01T00:00:00Z", 600},
      {"half an hour", "LHST-10:30LHDT-11,M10.1.0,M4.1.0", "2026-01-01T00:00:00Z", 660},
      {"on a day of the year", "AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z", 60},
      {"and the day before", "AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0},
  };
  for (const auto& each : cases) EXPECT_EQ(offset(zoneOf(each.rule), each.time), each.minutes) << each.name;
}

TEST(TimeZone, BeginsItsDaysWhereMidnightIs) {
  const auto start = [](const char* rule, std::chrono::sys_days day) { return formatTime(zoneOf(rule).startOf(day)); };
  using namespace std::chrono_literals;
  EXPECT_EQ(start("CET-1CEST,M3.5.0,M10.5.0/3", 2026y / 7 / 1), "2026-06-30T22:00:00Z");
  EXPECT_EQ(start("CET-1CEST,M3.5.0,M10.5.0/3", 2026y / 10 / 25), "2026-10-24T22:00:00Z");
  // Clocks that skip midnight: the day begins at one o'clock.
  EXPECT_EQ(start("<-04>4<-03>,M9.1.6/24,M4.1.6/24", 2026y / 9 / 6), "2026-09-06T04:00:00Z");
}

TEST(TimeZone, IsFoundByItsName) {
  EXPECT_TRUE(TimeZone::find("UTC", "/nowhere"));
  for (const char* name : {"", "/etc/passwd", "../etc/passwd", "Europe/../../x", "Europe//Berlin", "Europe/Berlín"}) {
    EXPECT_FALSE(TimeZone::find(name)) << name;
  }
  EXPECT_FALSE(TimeZone::find("Europe/Nowhere"));
  const auto berlin = TimeZone::find("Europe/Berlin");
  if (!berlin) GTEST_SKIP() << "no zone data";
  EXPECT_EQ(offset(*berlin, "2026-07-01T00:00:00Z"), 120);
  EXPECT_EQ(offset(*berlin, "2060-01-01T00:00:00Z"), 60);
  EXPECT_EQ(offset(*berlin, "1946-07-01T00:00:00Z"), 120);
}

TEST(TimeZone, IsNotMadeOfGarbage) {
  const std::string whole = zoneFile("CET-1CEST,M3.5.0,M10.5.0/3");
  for (size_t length = 0; length < whole.size(); ++length) TimeZone::parse(whole.substr(0, length));
  std::string greedy = whole;
  greedy[83] = '\x7f';  // more types than there are bytes
  EXPECT_FALSE(TimeZone::parse(greedy));
  EXPECT_FALSE(TimeZone::parse("TZ"));
  for (const char* rule : {"CET-1CEST,M13.5.0,M10.5.0/3", "CET-1CEST,M3", "C-1", "<CET", "CET-1CEST,X,Y"}) {
    EXPECT_EQ(offset(zoneOf(rule), "2026-07-01T00:00:00Z"), 0) << rule;
  }
}

}  // namespace
}  // namespace wherry::meta
