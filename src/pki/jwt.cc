#include "pki/jwt.h"

#include <stdexcept>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "pki/key.h"
#include "pki/openssl.h"
#include "pki/signature.h"

namespace wherry::pki {
namespace {

constexpr size_t kScalarSize = 32;  // of r and of s on P-256

// Of the point that is the public key, base64url.
std::string coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &number) != 1) {
    ERR_clear_error();
    throw std::invalid_argument("not a P-256 key");
  }
  unsigned char bytes[kScalarSize];
  int size = BN_bn2binpad(number, bytes, kScalarSize);
  BN_free(number);
  if (size < 0) throw std::invalid_argument("not a P-256 key");
  return base::encodeBase64({reinterpret_cast<char*>(bytes), sizeof bytes}, base::Base64::kUrl);
}

}  // namespace

struct JwtKey::Parts {
  KeyPtr key;
  std::string id;
  std::string header;  // of every token, encoded
};

JwtKey::JwtKey(const std::string& privateKeyPem) {
  auto id = base::encodeBase64(base::sha256(publicKeyOf(privateKeyPem)), base::Base64::kUrl);
  auto header = base::encodeBase64(fmt::format(R"({{"alg":"ES256","kid":"{}","typ":"JWT"}})", id), base::Base64::kUrl);
  parts_ = std::make_shared<const Parts>(Parts{parsePrivateKey(privateKeyPem), std::move(id), std::move(header)});
  static_cast<void>(renderJwk());  // a key of another sort is none
}

const std::string& JwtKey::id() const { return parts_->id; }

std::string JwtKey::renderJwk() const {
  EVP_PKEY* key = parts_->key.get();
  return fmt::format(R"({{"alg":"ES256","crv":"P-256","kid":"{}","kty":"EC","use":"sig","x":"{}","y":"{}"}})", id(),
                     coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X), coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y));
}

std::string JwtKey::sign(std::string_view claimsJson) const {
  std::string text = parts_->header + "." + base::encodeBase64(claimsJson, base::Base64::kUrl);
  std::string signature = toRawSignature(signText(text, parts_->key.get(), EVP_sha256()), kScalarSize);
  return text + "." + base::encodeBase64(signature, base::Base64::kUrl);
}

std::optional<std::string> JwtKey::verify(std::string_view token) const {
  auto parts = base::split(token, '.');
  if (parts.size() != 3 || parts[0] != parts_->header) return std::nullopt;
  auto signature = base::decodeBase64(parts[2], base::Base64::kUrl);
  if (!signature || signature->size() != 2 * kScalarSize) return std::nullopt;
  std::string_view text = token.substr(0, parts[0].size() + 1 + parts[1].size());
  if (!isSigned(text, toDerSignature(*signature), parts_->key.get(), EVP_sha256())) return std::nullopt;
  return base::decodeBase64(parts[1], base::Base64::kUrl);
}

}  // namespace wherry::pki
