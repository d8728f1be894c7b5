// Time zones by their IANA names, as the machine's zone data (tzdata) has them. Immutable values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace wherry::meta {

// "M3.2.0/2" and the like: when in a year the clocks are changed (POSIX TZ).
struct ClockChange {
  enum class Form { kWeekday, kDayWithoutLeap, kDay } form = Form::kWeekday;
  int month = 0, week = 0, day = 0;
  std::chrono::seconds time{7200};  // of the local clock
};

class TimeZone {
 public:
  TimeZone() = default;  // UTC

  // "Europe/Berlin"; nothing when it is unknown. "UTC" is known without any zone data. The name must not be trusted: no
  // path that leaves `directory` is read.
  static std::optional<TimeZone> find(std::string_view name, const std::string& directory = "/usr/share/zoneinfo");
  static std::optional<TimeZone> parse(std::string_view tzif);  // RFC 8536; untrusted
  // The machine's own: what $TZ names, else /etc/localtime, else UTC.
  static TimeZone local();

  std::chrono::seconds offsetAt(base::WallTime time) const;  // east of UTC
  // The first instant of a day of the local calendar.
  base::WallTime startOf(std::chrono::sys_days localDay) const;

 private:
  struct Transition {
    int64_t at;  // seconds since 1970
    int64_t offset;
  };
  // What holds behind the last transition.
  struct Rule {
    int64_t standard = 0, summer = 0;  // offsets
    std::optional<ClockChange> begin, end;
  };
  static std::optional<Rule> parseRule(std::string_view text);
  static int64_t offsetBy(const Rule& rule, int64_t seconds);

  int64_t first_ = 0;  // before the first transition
  std::vector<Transition> transitions_;
  std::optional<Rule> rule_;
};

}  // namespace wherry::meta
