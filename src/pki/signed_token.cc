#include "pki/signed_token.h"

#include "base/encoding.h"
#include "base/strings.h"
#include "json/value.h"

namespace wherry::pki {
namespace {

constexpr size_t kDeepestHeader = 8;

std::optional<json::Object> parseHeader(std::string_view text) {
  try {
    auto header = json::parse(text, {.maxDepth = kDeepestHeader});
    return header.is_object() ? std::optional(std::move(header.get_object())) : std::nullopt;
  } catch (const json::ParseError&) {
    return std::nullopt;
  }
}

std::string decoded(std::string_view text, bool& valid) {
  auto bytes = base::decodeBase64(text, base::Base64::kUrl);
  valid = valid && bytes;
  return bytes.value_or("");
}

}  // namespace

std::optional<SignedToken> parseSignedToken(std::string_view token) {
  auto parts = base::split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  bool valid = true;
  auto header = parseHeader(decoded(parts[0], valid));
  SignedToken parsed;
  parsed.claims = decoded(parts[1], valid);
  parsed.signature = decoded(parts[2], valid);
  if (!valid || !header) return std::nullopt;
  if (header->contains("crit")) return std::nullopt;  // RFC 7515 section 4.1.11
  parsed.algorithm = json::getString(*header, "alg");
  parsed.keyId = json::getString(*header, "kid");
  parsed.text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  return parsed;
}

}  // namespace wherry::pki
