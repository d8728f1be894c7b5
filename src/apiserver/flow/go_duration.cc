#include "apiserver/flow/go_duration.h"

#include <array>
#include <cctype>
#include <cstdlib>
#include <string>

namespace wherry::apiserver {
namespace {

struct Unit {
  std::string_view name;
  double nanos;
};
// Longer names first: "ms" is no "m".
constexpr std::array<Unit, 8> kUnits = {
    {{"ns", 1}, {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3}, {"ms", 1e6}, {"h", 3.6e12}, {"m", 6e10}, {"s", 1e9}}};
constexpr double kMostNanos = 100 * 365 * 24 * 3.6e12;

const Unit* findUnit(std::string_view text) {
  for (const Unit& unit : kUnits) {
    if (text.starts_with(unit.name)) return &unit;
  }
  return nullptr;
}

}  // namespace

std::optional<std::chrono::nanoseconds> parseGoDuration(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return std::chrono::nanoseconds(0);
  if (text.empty()) return std::nullopt;
  double nanos = 0;
  while (!text.empty()) {
    size_t digits = 0;
    while (digits < text.size() && (std::isdigit(static_cast<unsigned char>(text[digits])) || text[digits] == '.')) {
      ++digits;
    }
    std::string number(text.substr(0, digits));
    const Unit* unit = findUnit(text.substr(digits));
    bool oneDot = number.find('.') == number.rfind('.');
    if (number.empty() || number == "." || !oneDot || unit == nullptr) return std::nullopt;
    nanos += std::strtod(number.c_str(), nullptr) * unit->nanos;
    text.remove_prefix(digits + unit->name.size());
  }
  if (nanos > kMostNanos) return std::nullopt;
  return std::chrono::nanoseconds(static_cast<int64_t>(negative ? -nanos : nanos));
}

}  // namespace wherry::apiserver
