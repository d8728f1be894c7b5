// JSON Web Tokens (RFC 7519) signed with ES256 (RFC 7518 section 3.4), as ServiceAccount tokens are. Pure; safe from
// any thread. Claims are JSON text: what they mean is the caller's matter, expiry included.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace wherry::pki {

// A private key, read once. Copies share it.
class JwtKey {
 public:
  // Throws std::invalid_argument when the text is no P-256 key.
  explicit JwtKey(const std::string& privateKeyPem);

  // Names the key in a token's header: the SHA-256 of its public half, base64url.
  const std::string& id() const;

  // The public half as a JSON Web Key (RFC 7517, RFC 7518 section 6.2), with which others verify tokens: JSON text.
  std::string renderJwk() const;

  std::string sign(std::string_view claimsJson) const;

  // The claims of a token that sign() made with this very key; nothing for anything else. The header must be exactly
  // the one that sign() writes, so a token cannot choose how it is verified.
  std::optional<std::string> verify(std::string_view token) const;

 private:
  struct Parts;
  std::shared_ptr<const Parts> parts_;
};

}  // namespace wherry::pki
