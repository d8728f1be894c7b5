#include "schema/formats.h"

#include <algorithm>
#include <string>

#include "base/encoding.h"
#include "base/ip.h"
#include "base/strings.h"
#include "meta/time.h"
#include "schema/patterns.h"

namespace wherry::schema {
namespace {

bool isIpv4(std::string_view text) { return base::parseIp(text).value_or("").size() == 4; }
bool isIpv6(std::string_view text) { return base::parseIp(text).value_or("").size() == 16; }

bool isCidr(std::string_view text) {  // RFC 4632 and RFC 4291
  auto parts = base::splitOnce(text, '/');
  if (!parts) return false;
  auto bits = base::parseInt<int>(parts->second);
  return bits && *bits >= 0 && ((isIpv4(parts->first) && *bits <= 32) || (isIpv6(parts->first) && *bits <= 128));
}

bool isDateTime(std::string_view text) { return meta::parseTime(text).has_value(); }
bool isDate(std::string_view text) { return text.size() == 10 && isDateTime(std::string(text) + "T00:00:00Z"); }
bool isBytes(std::string_view text) { return base::decodeBase64(text).has_value(); }

bool isUuid(std::string_view text) {
  return matchesPattern("^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$", text);
}
bool isDuration(std::string_view text) {
  return matchesPattern(R"(^[+-]?([0-9]+(\.[0-9]*)?\s?(ns|us|µs|ms|s|m|h|d|w)\s?)+$|^0$)", text);
}
bool isEmail(std::string_view text) { return matchesPattern(R"(^[^@\s]+@[^@\s]+$)", text); }
bool isHostname(std::string_view text) {
  return text.size() <= 253 &&
         matchesPattern(R"(^(?i)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$)", text);
}
bool isUri(std::string_view text) { return matchesPattern(R"(^([a-zA-Z][a-zA-Z0-9+.-]*:\S+|/\S*)$)", text); }

struct Format {
  std::string_view name;
  bool (*matches)(std::string_view);
};

constexpr Format kFormats[] = {
    {"byte", isBytes},        {"cidr", isCidr},         {"date", isDate},   {"date-time", isDateTime},
    {"datetime", isDateTime}, {"duration", isDuration}, {"email", isEmail}, {"hostname", isHostname},
    {"ipv4", isIpv4},         {"ipv6", isIpv6},         {"uri", isUri},     {"uuid", isUuid},
};

}  // namespace

bool hasFormat(std::string_view format, std::string_view text) {
  auto found = std::ranges::find(kFormats, format, &Format::name);
  return found == std::end(kFormats) || found->matches(text);
}

}  // namespace wherry::schema
