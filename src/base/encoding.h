// Base64 (RFC 4648), hex, percent-encoding (RFC 3986), FNV-1a and SHA-256. Pure; safe from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::base {

enum class Base64 { kStandard, kUrl };  // section 4 (padded) and section 5 (unpadded)
std::string encodeBase64(std::string_view data, Base64 alphabet = Base64::kStandard);
// Nothing when `text` is not exactly what encodeBase64 could have made; line breaks are skipped.
std::optional<std::string> decodeBase64(std::string_view text, Base64 alphabet = Base64::kStandard);

std::string encodeHex(std::string_view data);

std::optional<std::string> decodePercent(std::string_view text);  // "%2F" is "/"; nothing for "%2" or "%zz"
std::string encodePercent(std::string_view text);                 // all but unreserved characters

uint32_t fnv1a32(std::string_view data);
uint64_t fnv1a64(std::string_view data);

std::string sha256(std::string_view data);     // 32 bytes
std::string sha256Hex(std::string_view data);  // 64 characters

}  // namespace wherry::base
