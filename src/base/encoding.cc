#include "base/encoding.h"

#include <array>

#include <openssl/evp.h>

namespace wherry::base {
namespace {

constexpr std::string_view kStandardDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigits = "0123456789abcdef";

int hexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <typename Int>
Int fnv1a(std::string_view data, Int basis, Int prime) {
  for (char c : data) basis = (basis ^ static_cast<unsigned char>(c)) * prime;
  return basis;
}

std::array<int8_t, 256> base64Values(std::string_view digits) {
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (size_t i = 0; i < digits.size(); ++i) values[static_cast<unsigned char>(digits[i])] = static_cast<int8_t>(i);
  return values;
}

}  // namespace

std::string encodeBase64(std::string_view data, Base64 alphabet) {
  std::string_view digits = alphabet == Base64::kUrl ? kUrlDigits : kStandardDigits;
  std::string out;
  out.reserve((data.size() + 2) / 3 * 4);
  for (size_t i = 0; i < data.size(); i += 3) {
    uint32_t bits = 0;
    size_t count = std::min<size_t>(3, data.size() - i);
    for (size_t j = 0; j < 3; ++j) bits = bits << 8 | (j < count ? static_cast<unsigned char>(data[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) {
      if (j <= count)
        out += digits[bits >> (18 - 6 * j) & 63];
      else if (alphabet == Base64::kStandard)
        out += '=';
    }
  }
  return out;
}

std::optional<std::string> decodeBase64(std::string_view text, Base64 alphabet) {
  static const auto kStandardValues = base64Values(kStandardDigits), kUrlValues = base64Values(kUrlDigits);
  const auto& values = alphabet == Base64::kUrl ? kUrlValues : kStandardValues;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  size_t digits = 0, padding = 0;
  for (char c : text) {
    if (c == '\n' || c == '\r') continue;
    if (c == '=' && alphabet == Base64::kStandard) {
      ++padding;
      continue;
    }
    int value = values[static_cast<unsigned char>(c)];
    if (value < 0 || padding > 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++digits % 4 == 0) {
      for (int shift : {16, 8, 0}) out += static_cast<char>(bits >> shift & 255);
      bits = 0;
    }
  }
  size_t rest = digits % 4;
  if (rest == 1 || padding > 2) return std::nullopt;
  if (alphabet == Base64::kStandard && (digits + padding) % 4 != 0) return std::nullopt;
  if (rest >= 2) out += static_cast<char>(bits >> (rest == 2 ? 4 : 10) & 255);
  if (rest == 3) out += static_cast<char>(bits >> 2 & 255);
  return out;
}

std::string encodeHex(std::string_view data) {
  std::string out;
  for (unsigned char c : data) {
    out += kHexDigits[c >> 4];
    out += kHexDigits[c & 15];
  }
  return out;
}

std::optional<std::string> decodePercent(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = hexValue(text[i + 1]), low = hexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::string encodePercent(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
                 c == '_' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += "0123456789ABCDEF"[c >> 4];
      out += "0123456789ABCDEF"[c & 15];
    }
  }
  return out;
}

uint32_t fnv1a32(std::string_view data) { return fnv1a<uint32_t>(data, 2166136261u, 16777619u); }
uint64_t fnv1a64(std::string_view data) { return fnv1a<uint64_t>(data, 14695981039346656037ull, 1099511628211ull); }

std::string sha256(std::string_view data) {
  std::string digest(32, '\0');
  EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(), nullptr);
  return digest;
}

std::string sha256Hex(std::string_view data) { return encodeHex(sha256(data)); }

}  // namespace wherry::base
