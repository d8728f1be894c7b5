// For tests: a zone that follows a POSIX TZ rule alone ("CET-1CEST,M3.5.0,M10.5.0/3"), as a zone file would say it.
#pragma once

#include <string>
#include <string_view>

#include "meta/time_zone.h"

namespace wherry::meta {

inline std::string zoneFile(std::string_view rule) {
  const auto block = [] {
    std::string bytes = "TZif2" + std::string(15, '\0') + std::string(24, '\0');
    bytes[39] = 1;  // one type
    bytes[43] = 1;  // one letter
    return bytes + std::string(6 + 1, '\0');
  };
  return block() + block() + "\n" + std::string(rule) + "\n";
}

inline TimeZone zoneOf(std::string_view rule) { return TimeZone::parse(zoneFile(rule)).value(); }

}  // namespace wherry::meta
