// Signatures as OpenSSL makes and checks them, and ECDSA's two forms of one: DER as OpenSSL has it, r and s side by
// side as JWTs have it (RFC 7518 section 3.4). For the sources of this folder alone.
#pragma once

#include <string>
#include <string_view>

#include "pki/openssl.h"

namespace wherry::pki {

// Throws std::invalid_argument when r or s is longer than `scalarSize` bytes: the key is on another curve.
std::string toRawSignature(std::string_view der, size_t scalarSize);
std::string toDerSignature(std::string_view raw);  // REQUIRES: an even size

enum class RsaPadding { kPkcs1, kPss };  // of no meaning for other keys

std::string signText(std::string_view text, EVP_PKEY* key, const EVP_MD* digest,
                     RsaPadding padding = RsaPadding::kPkcs1);
bool isSigned(std::string_view text, std::string_view signature, EVP_PKEY* key, const EVP_MD* digest,
              RsaPadding padding = RsaPadding::kPkcs1);

}  // namespace wherry::pki
