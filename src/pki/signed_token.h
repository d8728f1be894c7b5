// A JSON Web Token in the compact form of RFC 7515 section 3.1, taken apart and not believed: whoever wrote it may have
// written anything. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::pki {

struct SignedToken {
  std::string algorithm;  // "RS256"; what the token says of itself
  std::string keyId;      // empty: it names no key
  std::string claims;     // JSON, perhaps
  std::string text;       // what the signature is of
  std::string signature;
};

// Nothing when it is no token, or one with extensions that must be understood: we know none.
std::optional<SignedToken> parseSignedToken(std::string_view token);

}  // namespace wherry::pki
