#include "meta/time_zone.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "base/strings.h"

namespace wherry::meta {

using base::WallTime;
using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;

namespace {

// Reads numbers from the front of a text; false once it was too short.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::string_view take(size_t count) {
    if (count > bytes_.size()) {
      good_ = false;
      return {};
    }
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
  }
  int64_t integer(size_t width) {
    uint64_t value = 0;
    const auto bytes = take(width);
    for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
    if (width == 4) return static_cast<int32_t>(static_cast<uint32_t>(value));
    return static_cast<int64_t>(value);
  }
  std::string_view rest() const { return bytes_; }
  bool good() const { return good_; }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

struct Header {
  char version = 0;
  size_t utcFlags = 0, standardFlags = 0, leaps = 0, transitions = 0, types = 0, letters = 0;
  size_t bytes(size_t timeWidth) const {
    return transitions * (timeWidth + 1) + types * 6 + letters + leaps * (timeWidth + 4) + standardFlags + utcFlags;
  }
};

// RFC 8536 section 3.1
std::optional<Header> readHeader(Reader& reader) {
  constexpr size_t kUnused = 15;
  if (reader.take(4) != "TZif") return std::nullopt;
  Header header;
  const auto version = reader.take(1);
  header.version = version.empty() ? '\0' : version[0];
  reader.take(kUnused);
  for (size_t* count :
       {&header.utcFlags, &header.standardFlags, &header.leaps, &header.transitions, &header.types, &header.letters}) {
    const int64_t value = reader.integer(4);
    if (value < 0) return std::nullopt;
    *count = static_cast<size_t>(value);
  }
  return reader.good() ? std::optional(header) : std::nullopt;
}

// -- POSIX TZ: "CET-1CEST,M3.5.0,M10.5.0/3"
// ----------------------------------------------------------------------------

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  bool name() {
    if (!text_.empty() && text_[0] == '<') {
      const auto end = text_.find('>');
      if (end == std::string_view::npos) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    const auto isLetter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    const auto end = std::find_if_not(text_.begin(), text_.end(), isLetter);
    const auto length = static_cast<size_t>(end - text_.begin());
    text_.remove_prefix(length);
    return length >= 3;
  }

  // "[+-]hh[:mm[:ss]]" in seconds
  std::optional<int64_t> time() {
    int64_t sign = 1;
    if (skip('-')) {
      sign = -1;
    } else {
      skip('+');
    }
    int64_t total = 0;
    for (const int64_t unit : {3600, 60, 1}) {
      if (unit != 3600 && !skip(':')) break;
      const auto part = number();
      if (!part) return std::nullopt;
      total += *part * unit;
    }
    return sign * total;
  }

  std::optional<ClockChange> change() {
    if (!skip(',')) return std::nullopt;
    ClockChange change;
    std::optional<int64_t> month = 0, week = 0, day;
    if (skip('M')) {
      month = number();
      week = skip('.') ? number() : std::nullopt;
      day = skip('.') ? number() : std::nullopt;
    } else {
      change.form = skip('J') ? ClockChange::Form::kDayWithoutLeap : ClockChange::Form::kDay;
      day = number();
    }
    if (!month || !week || !day || *month > 12 || *week > 5 || *day > 366) return std::nullopt;
    change.month = static_cast<int>(*month);
    change.week = static_cast<int>(*week);
    change.day = static_cast<int>(*day);
    if (skip('/')) {
      const auto at = time();
      if (!at) return std::nullopt;
      change.time = seconds(*at);
    }
    return change;
  }

  bool skip(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  char next() const { return text_.empty() ? '\0' : text_[0]; }
  bool done() const { return text_.empty(); }

 private:
  std::optional<int64_t> number() {
    size_t length = 0;
    while (length < text_.size() && length < 3 && text_[length] >= '0' && text_[length] <= '9') ++length;
    const auto value = base::parseInt<int64_t>(text_.substr(0, length));
    text_.remove_prefix(length);
    return value;
  }

  std::string_view text_;
};

// In seconds since 1970, of the local clock.
int64_t changeIn(std::chrono::year year, const ClockChange& change) {
  using namespace std::chrono;
  sys_days day;
  if (change.form == ClockChange::Form::kWeekday) {
    const weekday wanted{static_cast<unsigned>(change.day % 7)};
    const month of{static_cast<unsigned>(change.month)};
    day = change.week == 5 ? sys_days(year / of / wanted[last])
                           : sys_days(year / of / wanted[static_cast<unsigned>(std::max(change.week, 1))]);
  } else {
    int number = change.day;
    if (change.form == ClockChange::Form::kDayWithoutLeap) number += year.is_leap() && number >= 60 ? 0 : -1;
    day = sys_days(year / January / 1) + days(number);
  }
  return day.time_since_epoch() / seconds(1) + change.time.count();
}

// IANA: letters, digits and a few signs, in parts that aren't dots alone.
bool isSafeName(std::string_view name) {
  for (const auto part : base::split(name, '/')) {
    const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
             c == '_' || c == '+';
    });
    if (part.empty() || !plain || part == "." || part == "..") return false;
  }
  return true;
}

// Nothing when there is no such file; a zone is far smaller than what is read at most.
std::optional<std::string> readZoneFile(const std::string& path) {
  constexpr size_t kMostBytes = 1 << 20;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::string bytes(kMostBytes, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(std::max<std::streamsize>(0, file.gcount())));
  return bytes;
}

}  // namespace

TimeZone TimeZone::local() {
  std::string_view name;
  if (const char* set = std::getenv("TZ")) name = set;
  if (name.starts_with(':')) name.remove_prefix(1);
  if (!name.empty()) return find(name).value_or(TimeZone());
  const auto bytes = readZoneFile("/etc/localtime");
  return bytes ? parse(*bytes).value_or(TimeZone()) : TimeZone();
}

std::optional<TimeZone> TimeZone::find(std::string_view name, const std::string& directory) {
  if (name == "UTC") return TimeZone();
  if (!isSafeName(name)) return std::nullopt;
  const auto bytes = readZoneFile(directory + "/" + std::string(name));
  return bytes ? parse(*bytes) : std::nullopt;
}

std::optional<TimeZone> TimeZone::parse(std::string_view tzif) {
  Reader reader(tzif);
  auto header = readHeader(reader);
  if (!header) return std::nullopt;
  size_t width = 4;
  // From version 2 on a block follows that has more.
  if (header->version >= '2') {
    reader.take(header->bytes(4));
    header = readHeader(reader);
    width = 8;
  }
  if (!header || !reader.good() || header->types == 0 || header->bytes(width) > reader.rest().size()) {
    return std::nullopt;
  }
  TimeZone zone;
  for (size_t i = 0; i < header->transitions; ++i) zone.transitions_.push_back({reader.integer(width), 0});
  std::vector<size_t> types;
  for (const char type : reader.take(header->transitions)) types.push_back(static_cast<unsigned char>(type));
  std::vector<int64_t> offsets;
  for (size_t i = 0; i < header->types; ++i) {
    offsets.push_back(reader.integer(4));
    reader.take(2);
  }
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] >= offsets.size()) return std::nullopt;
    zone.transitions_[i].offset = offsets[types[i]];
  }
  zone.first_ = offsets[0];
  reader.take(header->letters + header->leaps * (width + 4) + header->standardFlags + header->utcFlags);
  const auto lines = base::split(reader.rest(), '\n');
  if (lines.size() >= 2 && !lines[1].empty()) zone.rule_ = parseRule(lines[1]);
  return zone;
}

std::optional<TimeZone::Rule> TimeZone::parseRule(std::string_view text) {
  RuleReader reader(text);
  Rule rule;
  const auto standard = reader.name() ? reader.time() : std::nullopt;
  if (!standard) return std::nullopt;
  rule.standard = rule.summer = -*standard;  // POSIX counts to the west
  if (reader.done()) return rule;
  if (!reader.name()) return std::nullopt;
  rule.summer = rule.standard + 3600;
  if (reader.next() != ',') {
    const auto summer = reader.time();
    if (!summer) return std::nullopt;
    rule.summer = -*summer;
  }
  rule.begin = reader.change();
  rule.end = reader.change();
  return rule.begin && rule.end ? std::optional(rule) : std::nullopt;
}

int64_t TimeZone::offsetBy(const Rule& rule, int64_t at) {
  if (!rule.begin || !rule.end) return rule.standard;
  const auto local = std::chrono::floor<days>(std::chrono::sys_seconds(seconds(at + rule.standard)));
  const auto year = std::chrono::year_month_day(local).year();
  const int64_t begin = changeIn(year, *rule.begin) - rule.standard;
  const int64_t end = changeIn(year, *rule.end) - rule.summer;
  const bool summer = begin < end ? at >= begin && at < end : at >= begin || at < end;
  return summer ? rule.summer : rule.standard;
}

seconds TimeZone::offsetAt(WallTime time) const {
  const int64_t at = std::chrono::floor<seconds>(time).time_since_epoch().count();
  if (rule_ && (transitions_.empty() || at >= transitions_.back().at)) return seconds(offsetBy(*rule_, at));
  const auto after =
      std::upper_bound(transitions_.begin(), transitions_.end(), at,
                       [](int64_t value, const Transition& transition) { return value < transition.at; });
  return seconds(after == transitions_.begin() ? first_ : std::prev(after)->offset);
}

// Midnight may be skipped, or be there twice.
WallTime TimeZone::startOf(sys_days localDay) const {
  const auto asUtc = WallTime(localDay);
  const auto a = asUtc - offsetAt(asUtc - days(1)), b = asUtc - offsetAt(asUtc + days(1));
  const auto earlier = std::min(a, b), later = std::max(a, b);
  return earlier + offsetAt(earlier) >= asUtc ? earlier : later;
}

}  // namespace wherry::meta
