// The public half of a key as a JSON Web Key (RFC 7517, RFC 7518 section 6), for the sources of this folder alone.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "json/value.h"
#include "pki/openssl.h"

namespace wherry::pki {

enum class KeyType { kRsa, kP256, kP384, kP521 };

struct PublicKey {
  std::string id;  // may be empty
  KeyType type;
  std::string algorithm;  // the only one it is for; empty: any of its type
  std::shared_ptr<EVP_PKEY> key;
};

// Nothing for keys that verify no signatures, of other types (symmetric ones among them), or that are none: numbers
// that are too small or too large, points that are not on their curve.
std::optional<PublicKey> readJwk(const json::Value& jwk);

}  // namespace wherry::pki
