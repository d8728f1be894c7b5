// The keys that somebody else publishes (a JSON Web Key Set, RFC 7517 section 5), with which their tokens are verified.
// Immutable and safe from any thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "pki/signed_token.h"

namespace wherry::pki {

// The signatures of tokens that can be verified: RS256, ES256, PS256 and their like of 384 and 512 bits (RFC 7518
// section 3.1). None that needs a secret, and not "none".
std::span<const std::string_view> signingAlgorithms();

struct PublicKey;

class KeySet {
 public:
  KeySet() = default;
  // Keys that sign nothing, of types that are not known, or that are none, are left out. Throws std::invalid_argument
  // when the text is no key set, or one of more than 100 keys.
  static KeySet parse(std::string_view text);

  size_t size() const { return keys_.size(); }

  // Whether one of these keys has made the token's signature: the one that it names, or any if it names none. The
  // algorithm is the token's own; whether that one is wanted at all is the caller's matter.
  bool hasSigned(const SignedToken& token) const;

 private:
  std::vector<std::shared_ptr<const PublicKey>> keys_;
};

}  // namespace wherry::pki
