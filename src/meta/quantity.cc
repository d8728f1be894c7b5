#include "meta/quantity.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/strings.h"

namespace wherry::meta {
namespace {

__extension__ typedef __int128 Int128;

constexpr Int128 kNano = 1'000'000'000;
constexpr Int128 kMax = static_cast<Int128>(std::numeric_limits<int64_t>::max()) * kNano;
constexpr int kNanoDigits = 9;
constexpr size_t kInt128Digits = 38;

// Division that rounds away from zero.
Int128 divideUp(Int128 value, Int128 by) {
  Int128 quotient = value / by;
  if (quotient * by == value) return quotient;
  return quotient + (value < 0 ? -1 : 1);
}

int64_t toInt64(Int128 value) {
  constexpr Int128 kLimit = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::clamp<Int128>(value, -kLimit, kLimit));
}

// [+-]digits[.digits]suffix
struct Parts {
  bool negative = false;
  std::string_view whole;
  std::string_view fraction;
  std::string_view suffix;
};

std::string_view takeDigits(std::string_view& text) {
  size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  return digits;
}

std::optional<Parts> splitParts(std::string_view text) {
  Parts parts;
  parts.negative = text.starts_with('-');
  if (parts.negative || text.starts_with('+')) text.remove_prefix(1);
  parts.whole = takeDigits(text);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = takeDigits(text);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return std::nullopt;
  parts.whole.remove_prefix(std::min(parts.whole.find_first_not_of('0'), parts.whole.size()));
  parts.suffix = text;
  return parts;
}

struct Suffix {
  std::string_view text;
  int exponent;  // of 10 or of 2
};

constexpr std::array<Suffix, 10> kDecimal = {
    {{"n", -9}, {"u", -6}, {"m", -3}, {"", 0}, {"k", 3}, {"M", 6}, {"G", 9}, {"T", 12}, {"P", 15}, {"E", 18}}};
constexpr std::array<Suffix, 6> kBinary = {{{"Ki", 10}, {"Mi", 20}, {"Gi", 30}, {"Ti", 40}, {"Pi", 50}, {"Ei", 60}}};

struct Scale {
  Quantity::Format format;
  int exponent;
};

std::optional<Scale> findScale(std::string_view suffix) {
  for (const Suffix& known : kDecimal) {
    if (known.text == suffix) return Scale{Quantity::Format::kDecimalSI, known.exponent};
  }
  for (const Suffix& known : kBinary) {
    if (known.text == suffix) return Scale{Quantity::Format::kBinarySI, known.exponent};
  }
  if (suffix[0] != 'e' && suffix[0] != 'E') return std::nullopt;
  suffix.remove_prefix(1);
  if (suffix.starts_with('+') && !suffix.starts_with("+-")) suffix.remove_prefix(1);
  auto exponent = base::parseInt<int32_t>(suffix);
  if (!exponent) return std::nullopt;
  // Beyond this every number is capped or rounded up to the least one anyway.
  return Scale{Quantity::Format::kDecimalExponent, std::clamp<int32_t>(*exponent, -10'000, 10'000)};
}

// whole.fraction * 10^exponent in nano, rounded up, at most kMax.
Int128 scaleDecimal(const Parts& parts, int exponent) {
  std::string digits = std::string(parts.whole) + std::string(parts.fraction);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  if (digits.empty()) return 0;
  int64_t shift = exponent + kNanoDigits - static_cast<int64_t>(parts.fraction.size());
  int64_t length = static_cast<int64_t>(digits.size()) + shift;
  if (length >= static_cast<int64_t>(kInt128Digits)) return kMax;
  Int128 value = 0;
  for (int64_t i = 0; i < length; ++i) {
    value = value * 10 + (i < static_cast<int64_t>(digits.size()) ? digits[static_cast<size_t>(i)] - '0' : 0);
  }
  size_t kept = static_cast<size_t>(std::max<int64_t>(length, 0));
  if (kept < digits.size() && digits.find_first_not_of('0', kept) != std::string::npos) ++value;
  return std::min(value, kMax);
}

// whole.fraction * 2^exponent in nano, rounded up, at most kMax.
Int128 scaleBinary(const Parts& parts, int exponent) {
  Int128 unit = static_cast<Int128>(1) << exponent;
  auto whole = parts.whole.empty() ? 0 : base::parseInt<int64_t>(parts.whole);
  if (!whole || *whole > std::numeric_limits<int64_t>::max() / unit) return kMax;
  // From the last digit to the first: rounding up at each step gives the same as rounding up once at the end.
  Int128 fraction = 0;
  for (size_t i = parts.fraction.size(); i-- > 0;) {
    fraction = divideUp((parts.fraction[i] - '0') * unit * kNano + fraction, 10);
  }
  return std::min(*whole * unit * kNano + fraction, kMax);
}

std::string toText(Int128 value) {
  std::string digits;
  bool negative = value < 0;
  if (negative) value = -value;
  do {
    digits += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value != 0);
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// The largest suffix that leaves no fraction.
std::string renderBinary(Int128 units) {
  size_t power = 0;
  for (; power < kBinary.size() && units % 1024 == 0; ++power) units /= 1024;
  return toText(units) + (power == 0 ? "" : std::string(kBinary[power - 1].text));
}

std::string renderDecimal(Int128 nano, Quantity::Format format) {
  int exponent = -kNanoDigits;
  for (; exponent < kDecimal.back().exponent && nano % 1000 == 0; exponent += 3) nano /= 1000;
  if (exponent != 0 && format == Quantity::Format::kDecimalExponent)
    return toText(nano) + "e" + std::to_string(exponent);
  auto suffix = std::find_if(kDecimal.begin(), kDecimal.end(), [&](const Suffix& s) { return s.exponent == exponent; });
  return toText(nano) + std::string(suffix->text);
}

}  // namespace

Quantity Quantity::ofMilli(int64_t milli) {
  Quantity quantity;
  quantity.nano_ = static_cast<Int128>(milli) * 1'000'000;
  return quantity;
}

Quantity Quantity::of(int64_t value, Format format) {
  Quantity quantity;
  quantity.nano_ = static_cast<Int128>(value) * kNano;
  quantity.format_ = format;
  return quantity;
}

std::optional<Quantity> Quantity::parse(std::string_view text) {
  auto parts = splitParts(text);
  if (!parts) return std::nullopt;
  auto scale = findScale(parts->suffix);
  if (!scale) return std::nullopt;
  bool binary = scale->format == Format::kBinarySI;
  Quantity quantity;
  quantity.nano_ = binary ? scaleBinary(*parts, scale->exponent) : scaleDecimal(*parts, scale->exponent);
  // A part of one byte can't be told in powers of 1024.
  quantity.format_ = binary && quantity.nano_ > 0 && quantity.nano_ < kNano ? Format::kDecimalSI : scale->format;
  if (parts->negative) quantity.nano_ = -quantity.nano_;
  return quantity;
}

int64_t Quantity::value() const { return toInt64(divideUp(nano_, kNano)); }

int64_t Quantity::milli() const { return toInt64(divideUp(nano_, 1'000'000)); }

Quantity Quantity::roundedUpToMilli() const {
  Quantity rounded = *this;
  rounded.nano_ = divideUp(nano_, 1'000'000) * 1'000'000;
  return rounded;
}

std::string Quantity::text() const {
  if (nano_ == 0) return "0";
  Int128 size = nano_ < 0 ? -nano_ : nano_;
  bool binary = format_ == Format::kBinarySI && size >= 1024 * kNano && nano_ % kNano == 0;
  return binary ? renderBinary(nano_ / kNano) : renderDecimal(nano_, format_);
}

Quantity Quantity::operator+(const Quantity& other) const {
  Quantity sum = *this;
  sum.nano_ += other.nano_;
  if (zero()) sum.format_ = other.format_;
  return sum;
}

Quantity Quantity::operator-(const Quantity& other) const {
  Quantity difference = *this;
  difference.nano_ -= other.nano_;
  if (zero()) difference.format_ = other.format_;
  return difference;
}

}  // namespace wherry::meta
