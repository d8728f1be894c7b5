#include "meta/time.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::meta {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

struct Civil {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<microseconds> clock;
};

Civil civil(base::WallTime time) {
  auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss(std::chrono::floor<microseconds>(time - day))};
}

std::string formatToSeconds(const Civil& civil) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(civil.date.year()),
                     static_cast<unsigned>(civil.date.month()), static_cast<unsigned>(civil.date.day()),
                     civil.clock.hours().count(), civil.clock.minutes().count(), civil.clock.seconds().count());
}

// Reads a time from the front of a text, piece by piece.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  // Exactly `width` digits, at most `max`.
  std::optional<int> number(size_t width, int max) {
    std::string_view digits = rest_.substr(0, width);
    if (digits.size() < width || !isAllDigits(digits)) return std::nullopt;
    auto value = base::parseInt<int>(digits);
    if (!value || *value > max) return std::nullopt;
    rest_.remove_prefix(width);
    return value;
  }

  bool skip(std::string_view anyOf) {
    if (rest_.empty() || anyOf.find(rest_[0]) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // ".123456789" in nanoseconds; 0 when there is none, nothing when a point has no digits.
  std::optional<int64_t> fraction() {
    if (!skip(".,")) return 0;
    int64_t nanos = 0;
    size_t count = 0;
    for (; !rest_.empty() && isDigit(rest_[0]); ++count, rest_.remove_prefix(1)) {
      if (count < 9) nanos = nanos * 10 + (rest_[0] - '0');
    }
    if (count == 0) return std::nullopt;
    for (; count < 9; ++count) nanos *= 10;
    return nanos;
  }

  // "Z" or "+01:30", as seconds east of UTC; it must end the text.
  std::optional<seconds> offset() {
    if (skip("Zz")) return atEnd(seconds(0));
    int sign = rest_.starts_with('-') ? -1 : 1;
    if (!skip("+-")) return std::nullopt;
    auto hours = number(2, 23);
    if (!hours || !skip(":")) return std::nullopt;
    auto minutes = number(2, 59);
    if (!minutes) return std::nullopt;
    return atEnd(sign * seconds(*hours * 3600 + *minutes * 60));
  }

 private:
  static bool isDigit(char c) { return c >= '0' && c <= '9'; }
  static bool isAllDigits(std::string_view text) {
    return text.find_first_not_of("0123456789") == std::string_view::npos;
  }
  std::optional<seconds> atEnd(seconds offset) const { return rest_.empty() ? std::optional(offset) : std::nullopt; }

  std::string_view rest_;
};

std::optional<std::chrono::sys_days> readDate(Cursor& cursor) {
  auto year = cursor.number(4, 9999);
  if (!year || !cursor.skip("-")) return std::nullopt;
  auto month = cursor.number(2, 12);
  if (!month || !cursor.skip("-")) return std::nullopt;
  auto day = cursor.number(2, 31);
  if (!day) return std::nullopt;
  auto date = std::chrono::year(*year) / *month / *day;
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

std::optional<seconds> readClock(Cursor& cursor) {
  auto hours = cursor.number(2, 23);
  if (!hours || !cursor.skip(":")) return std::nullopt;
  auto minutes = cursor.number(2, 59);
  if (!minutes || !cursor.skip(":")) return std::nullopt;
  auto secs = cursor.number(2, 59);
  if (!secs) return std::nullopt;
  return seconds(*hours * 3600 + *minutes * 60 + *secs);
}

// "3m20s": the larger unit, and the smaller one unless it is zero.
std::string twoUnits(int64_t large, char largeUnit, int64_t small, char smallUnit) {
  if (small == 0) return fmt::format("{}{}", large, largeUnit);
  return fmt::format("{}{}{}{}", large, largeUnit, small, smallUnit);
}

}  // namespace

std::string formatTime(base::WallTime time) { return formatToSeconds(civil(time)) + "Z"; }

std::string formatMicroTime(base::WallTime time) {
  Civil parts = civil(time);
  return fmt::format("{}.{:06}Z", formatToSeconds(parts), parts.clock.subseconds().count());
}

std::optional<base::WallTime> parseTime(std::string_view text) {
  Cursor cursor(text);
  auto date = readDate(cursor);
  if (!date || !cursor.skip("Tt")) return std::nullopt;
  auto clock = readClock(cursor);
  if (!clock) return std::nullopt;
  auto fraction = cursor.fraction();
  if (!fraction) return std::nullopt;
  auto offset = cursor.offset();
  if (!offset) return std::nullopt;
  auto time = *date + *clock - *offset;
  // The clock counts nanoseconds in 64 bits: from 1678 to 2261.
  if (time < std::chrono::sys_days(std::chrono::year(1678) / 1 / 1) ||
      time >= std::chrono::sys_days(std::chrono::year(2262) / 1 / 1)) {
    return std::nullopt;
  }
  return base::WallTime(time) + std::chrono::nanoseconds(*fraction);
}

std::string humanDuration(seconds age) {
  int64_t secs = age.count();
  int64_t minutes = secs / 60;
  int64_t hours = secs / 3600;
  int64_t days = hours / 24;
  if (secs < -1) return "<invalid>";
  if (secs < 0) return "0s";
  if (secs < 120) return fmt::format("{}s", secs);
  if (minutes < 10) return twoUnits(minutes, 'm', secs % 60, 's');
  if (hours < 3) return fmt::format("{}m", minutes);
  if (hours < 8) return twoUnits(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  if (days < 8) return twoUnits(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return fmt::format("{}d", days);
  if (days < 8 * 365) return twoUnits(days / 365, 'y', days % 365, 'd');
  return fmt::format("{}y", days / 365);
}

}  // namespace wherry::meta
