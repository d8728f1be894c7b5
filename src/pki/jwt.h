// JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518 section 3.4), as ServiceAccount tokens are. Pure; safe from
// any thread. Claims are JSON text: what they mean is the caller's matter, expiry included.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::pki {

// Names a key in a token's header: the SHA-256 of its public half, base64url.
std::string keyId(const std::string& privateKeyPem);

// The public half as a JSON Web Key (RFC 7517, RFC 7518 section 6.2), with which others verify tokens: JSON text.
std::string renderJwk(const std::string& privateKeyPem);

// Throws std::invalid_argument when the key is none.
std::string signJwt(std::string_view claimsJson, const std::string& privateKeyPem);

// The claims of a token that signJwt made with this very key; nothing for anything else. The header must be exactly the
// one that signJwt writes, so a token cannot choose how it is verified.
std::optional<std::string> verifyJwt(std::string_view token, const std::string& privateKeyPem);

}  // namespace wherry::pki
