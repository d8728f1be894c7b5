#include "meta/gateway_duration.h"

#include <algorithm>
#include <string>

#include "base/strings.h"

namespace wherry::meta {
namespace {

constexpr size_t kMaxDigits = 5, kMaxParts = 4;

std::optional<std::chrono::milliseconds> unitOf(std::string_view text) {
  using namespace std::chrono_literals;
  if (text == "h") return 1h;
  if (text == "m") return 1min;
  if (text == "s") return 1s;
  if (text == "ms") return 1ms;
  return std::nullopt;
}

}  // namespace

std::optional<std::chrono::milliseconds> parseGatewayDuration(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  std::chrono::milliseconds total{};
  size_t parts = 0;
  while (!text.empty() && parts++ < kMaxParts) {
    const size_t digits = std::min(text.find_first_not_of(kDigits), text.size());
    if (digits == 0 || digits > kMaxDigits) return std::nullopt;
    const size_t end = std::min(text.find_first_of(kDigits, digits), text.size());
    const auto unit = unitOf(text.substr(digits, end - digits));
    if (!unit) return std::nullopt;
    total += *base::parseInt<int64_t>(text.substr(0, digits)) * *unit;
    text.remove_prefix(end);
  }
  if (parts == 0 || !text.empty()) return std::nullopt;
  return total;
}

}  // namespace wherry::meta
