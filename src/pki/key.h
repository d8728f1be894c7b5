// Private keys (ECDSA on P-256) as PEM text. Pure but for the random numbers; safe from any thread.
#pragma once

#include <string>

namespace wherry::pki {

std::string newPrivateKey();  // PKCS #8
// SubjectPublicKeyInfo. Throws std::invalid_argument when the text is no private key.
std::string publicKeyOf(const std::string& privateKeyPem);

}  // namespace wherry::pki
