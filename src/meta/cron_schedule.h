// Schedules of CronJobs: "*/15 8-17 * * mon-fri", "@hourly", "@every 90m", as robfig/cron's standard parser reads them.
// Immutable values.
//
// Five fields: minute, hour, day of the month, month, day of the week (0-6, sun-sat); each a list of "*", "?", numbers,
// names and ranges, the latter with "/step". Where both days are restricted, either may match.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meta/time_zone.h"

namespace wherry::meta {

class CronSchedule {
 public:
  struct Parsed;  // below
  static Parsed parse(std::string_view text);

  // The first time after `after`; nothing when there is none within five years. What falls into an hour that the clocks
  // leave out is left out; what falls into one that they repeat happens twice.
  std::optional<base::WallTime> next(base::WallTime after, const TimeZone& zone) const;
  // "@every ...": it has no times of its own, but counts from any.
  bool isInterval() const { return every_.has_value(); }

 private:
  bool matchesDay(std::chrono::year_month_day day) const;

  uint64_t minutes_ = 0, hours_ = 0, daysOfMonth_ = 0, months_ = 0, daysOfWeek_ = 0;  // bit n: n matches
  bool anyDayOfMonth_ = false, anyDayOfWeek_ = false;                                 // by "*"
  std::optional<std::chrono::seconds> every_;                                         // and nothing else
};

struct CronSchedule::Parsed {
  std::optional<CronSchedule> schedule;
  std::string error;  // why there is none, in that parser's words
};

// Go's durations: "1h30m", "1.5s". Nothing when it is none; `error` says why.
std::optional<std::chrono::nanoseconds> parseGoDuration(std::string_view text, std::string& error);

}  // namespace wherry::meta
