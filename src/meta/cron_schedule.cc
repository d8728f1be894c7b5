#include "meta/cron_schedule.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"

namespace wherry::meta {

using base::WallTime;
using std::chrono::days;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

// What a field may be.
struct Bounds {
  int64_t least, most;
  std::vector<std::string_view> names = {};  // of `least`, `least` + 1, ...
};
const Bounds kMinutes{0, 59}, kHours{0, 23}, kDaysOfMonth{1, 31},
    kMonths{1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    kDaysOfWeek{0, 6, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}};

struct Field {
  uint64_t bits = 0;
  bool any = false;  // "*" without a step
};

// Reads fields; the first thing that is wrong remains in `error`.
class FieldReader {
 public:
  Field read(std::string_view text, const Bounds& bounds) {
    Field field;
    for (const auto part : base::split(text, ',')) {
      if (part.empty()) continue;
      readRange(part, bounds, field);
    }
    return field;
  }
  const std::string& error() const { return error_; }

 private:
  void readRange(std::string_view text, const Bounds& bounds, Field& field) {
    const auto withStep = base::split(text, '/');
    const auto limits = base::split(withStep[0], '-');
    const bool star = limits[0] == "*" || limits[0] == "?";
    int64_t first = bounds.least, last = bounds.most, step = 1;
    if (!star) {
      first = readNumber(limits[0], bounds);
      last = limits.size() == 2 ? readNumber(limits[1], bounds) : first;
      if (limits.size() > 2) return fail("too many hyphens: {}", text);
    }
    if (withStep.size() > 2) return fail("too many slashes: {}", text);
    if (withStep.size() == 2) {
      step = readNumber(withStep[1], Bounds{0, 0});
      if (limits.size() == 1) last = bounds.most;  // "N/step" is "N-max/step"
    }
    addRange(text, bounds, first, last, step, field);
    if (star && step == 1) field.any = true;
  }

  void addRange(std::string_view text, const Bounds& bounds, int64_t first, int64_t last, int64_t step, Field& field) {
    if (!error_.empty()) return;
    if (first < bounds.least) return fail("beginning of range ({}) below minimum ({}): {}", first, bounds.least, text);
    if (last > bounds.most) return fail("end of range ({}) above maximum ({}): {}", last, bounds.most, text);
    if (first > last) return fail("beginning of range ({}) beyond end of range ({}): {}", first, last, text);
    if (step == 0) return fail("step of range should be a positive number: {}", text);
    for (int64_t value = first; value <= last; value += step) field.bits |= uint64_t{1} << value;
  }

  int64_t readNumber(std::string_view text, const Bounds& bounds) {
    const auto name = std::find(bounds.names.begin(), bounds.names.end(), base::toLower(text));
    if (name != bounds.names.end()) return bounds.least + (name - bounds.names.begin());
    const auto number = base::parseInt<int32_t>(text.starts_with('+') ? text.substr(1) : text);
    if (!number) {
      const bool digits =
          !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
      fail("failed to parse int from {}: strconv.Atoi: parsing \"{}\": {}", text, text,
           digits ? "value out of range" : "invalid syntax");
      return 0;
    }
    if (*number < 0) fail("negative number ({}) not allowed: {}", *number, text);
    return *number;
  }

  template <typename... Args>
  void fail(fmt::format_string<Args...> words, Args&&... args) {
    if (error_.empty()) error_ = fmt::format(words, std::forward<Args>(args)...);
  }

  std::string error_;
};

std::vector<std::string_view> words(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  std::vector<std::string_view> words;
  while (true) {
    const auto begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) return words;
    text.remove_prefix(begin);
    const auto length = std::min(text.find_first_of(kSpace), text.size());
    words.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
}

// What a descriptor stands for; "" when it is none of those.
std::string_view fieldsOf(std::string_view descriptor) {
  static constexpr std::pair<std::string_view, std::string_view> kDescriptors[] = {
      {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
      {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}};
  for (const auto& [name, fields] : kDescriptors) {
    if (name == descriptor) return fields;
  }
  return {};
}

constexpr std::string_view kEvery = "@every ";

}  // namespace

std::optional<nanoseconds> parseGoDuration(std::string_view text, std::string& error) {
  const auto fail = [&](std::string why) {
    error = std::move(why);
    return std::nullopt;
  };
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"μs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  const std::string invalid = fmt::format("time: invalid duration \"{}\"", text);
  std::string_view rest = text;
  double sign = 1, total = 0;
  if (rest.starts_with('-')) sign = -1;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest == "0") return nanoseconds(0);
  if (rest.empty()) return fail(invalid);
  while (!rest.empty()) {
    const auto length = std::min(rest.find_first_not_of("0123456789."), rest.size());
    const auto number = rest.substr(0, length);
    if (number.find_first_of("0123456789") == std::string_view::npos || number.find('.') != number.rfind('.')) {
      return fail(invalid);
    }
    rest.remove_prefix(length);
    const auto unitLength = std::min(rest.find_first_of("0123456789."), rest.size());
    const auto unit = rest.substr(0, unitLength);
    rest.remove_prefix(unitLength);
    if (unit.empty()) return fail(fmt::format("time: missing unit in duration \"{}\"", text));
    const auto known =
        std::find_if(std::begin(kUnits), std::end(kUnits), [&](const auto& each) { return each.first == unit; });
    if (known == std::end(kUnits)) return fail(fmt::format("time: unknown unit \"{}\" in duration \"{}\"", unit, text));
    total += std::stod(std::string(number)) * known->second;
    if (total > 9.2e18) return fail(invalid);
  }
  return nanoseconds(static_cast<int64_t>(std::llround(sign * total)));
}

CronSchedule::Parsed CronSchedule::parse(std::string_view text) {
  if (text.empty()) return {std::nullopt, "empty spec string"};
  CronSchedule schedule;
  if (text.starts_with(kEvery)) {
    std::string why;
    const auto duration = parseGoDuration(text.substr(kEvery.size()), why);
    if (!duration) return {std::nullopt, fmt::format("failed to parse duration {}: {}", text, why)};
    schedule.every_ = std::max(seconds(1), std::chrono::floor<seconds>(*duration));
    return {schedule, ""};
  }
  std::string_view fieldsText = text;
  if (text[0] == '@') {
    fieldsText = fieldsOf(text);
    if (fieldsText.empty()) return {std::nullopt, fmt::format("unrecognized descriptor: {}", text)};
  }
  const auto fields = words(fieldsText);
  if (fields.size() != 5) {
    const std::vector<std::string> list(fields.begin(), fields.end());
    return {std::nullopt,
            fmt::format("expected exactly 5 fields, found {}: [{}]", fields.size(), base::join(list, " "))};
  }
  FieldReader reader;
  schedule.minutes_ = reader.read(fields[0], kMinutes).bits;
  schedule.hours_ = reader.read(fields[1], kHours).bits;
  const Field dayOfMonth = reader.read(fields[2], kDaysOfMonth);
  schedule.months_ = reader.read(fields[3], kMonths).bits;
  const Field dayOfWeek = reader.read(fields[4], kDaysOfWeek);
  if (!reader.error().empty()) return {std::nullopt, reader.error()};
  schedule.daysOfMonth_ = dayOfMonth.bits;
  schedule.daysOfWeek_ = dayOfWeek.bits;
  schedule.anyDayOfMonth_ = dayOfMonth.any;
  schedule.anyDayOfWeek_ = dayOfWeek.any;
  return {schedule, ""};
}

bool CronSchedule::matchesDay(std::chrono::year_month_day day) const {
  if (!(months_ >> static_cast<unsigned>(day.month()) & 1)) return false;
  const bool ofMonth = daysOfMonth_ >> static_cast<unsigned>(day.day()) & 1;
  const bool ofWeek = daysOfWeek_ >> std::chrono::weekday(std::chrono::sys_days(day)).c_encoding() & 1;
  return anyDayOfMonth_ || anyDayOfWeek_ ? ofMonth && ofWeek : ofMonth || ofWeek;
}

std::optional<WallTime> CronSchedule::next(WallTime after, const TimeZone& zone) const {
  auto time = std::chrono::floor<seconds>(after);
  if (every_) return time + *every_;
  if (minutes_ == 0 || hours_ == 0 || months_ == 0) return std::nullopt;  // "," for a field
  time += seconds(1);
  const auto limit = time + days(5 * 366);
  while (time <= limit) {
    const auto local = time + zone.offsetAt(time);
    const auto day = std::chrono::floor<days>(local);
    const auto sinceMidnight = std::chrono::floor<seconds>(local - day).count();
    if (!matchesDay(std::chrono::year_month_day(day))) {
      time = std::max(time + seconds(1), std::chrono::floor<seconds>(zone.startOf(day + days(1))));
    } else if (!(hours_ >> (sinceMidnight / 3600) & 1)) {
      time += seconds(3600 - sinceMidnight % 3600);
    } else if (!(minutes_ >> (sinceMidnight / 60 % 60) & 1) || sinceMidnight % 60 != 0) {
      time += seconds(60 - sinceMidnight % 60);
    } else {
      return time;
    }
  }
  return std::nullopt;
}

}  // namespace wherry::meta
