#include "json/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace wherry::json {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

bool isOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

struct Radix {
  int base;
  size_t prefixLength;
};

Radix radixOf(std::string_view digits) {
  if (digits.size() < 2 || digits[0] != '0') return {10, 0};
  switch (digits[1]) {
    case 'x':
    case 'X':
      return {16, 2};
    case 'o':
    case 'O':
      return {8, 2};
    case 'b':
    case 'B':
      return {2, 2};
    default:
      return {8, 1};
  }
}

template <typename Int>
std::optional<Int> readInt(const std::string& text, int base) {
  Int value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Value> findInteger(bool negative, std::string_view digits) {
  Radix radix = radixOf(digits);
  std::string_view rest = digits.substr(radix.prefixLength);
  if (rest.empty() || rest[0] == '-' || rest[0] == '+') return std::nullopt;
  std::string signedText = (negative ? "-" : "") + std::string(rest);
  if (auto value = readInt<int64_t>(signedText, radix.base)) return Value(*value);
  if (auto value = readInt<uint64_t>(signedText, radix.base); value && !negative) return Value(*value);
  return std::nullopt;
}

// [0-9]* from `at` on.
size_t skipDigits(std::string_view text, size_t at) {
  while (at < text.size() && isDigit(text[at])) ++at;
  return at;
}

// \.[0-9]+ or [0-9]+(\.[0-9]*)?, then ([eE][-+]?[0-9]+)?
bool isFloat(std::string_view text) {
  size_t at = skipDigits(text, 0);
  bool hasDigits = at > 0;
  if (at < text.size() && text[at] == '.') {
    size_t end = skipDigits(text, at + 1);
    hasDigits = hasDigits || end > at + 1;
    at = end;
  }
  if (!hasDigits) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    size_t begin = at + 1;
    if (begin < text.size() && (text[begin] == '-' || text[begin] == '+')) ++begin;
    at = skipDigits(text, begin);
    if (at == begin) return false;
  }
  return at == text.size();
}

std::optional<Value> findFloat(bool negative, std::string_view text) {
  if (!isFloat(text)) return std::nullopt;
  double value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return Value(negative ? -value : value);
}

std::optional<Value> findNumber(std::string_view text) {
  bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || (!isDigit(text[0]) && text[0] != '.')) return std::nullopt;
  if (auto integer = findInteger(negative, text)) return integer;
  return findFloat(negative, text);
}

}  // namespace

Value resolveScalar(std::string_view tag, std::string_view text) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str" || tag == "tag:yaml.org,2002:binary") return Value(text);
  if (isOneOf(text, {"", "~", "null", "Null", "NULL"})) return Value();
  if (isOneOf(text, {"true", "True", "TRUE"})) return Value(true);
  if (isOneOf(text, {"false", "False", "FALSE"})) return Value(false);
  return findNumber(text).value_or(Value(text));
}

}  // namespace wherry::json
