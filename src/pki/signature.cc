#include "pki/signature.h"

#include <stdexcept>

#include <openssl/err.h>
#include <openssl/rsa.h>

namespace wherry::pki {
namespace {

using SignaturePtr = std::unique_ptr<ECDSA_SIG, OpenSslDeleter<ECDSA_SIG_free>>;

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// When it is verified, a salt of any size will do; when it is made, it has the digest's (RFC 7518 section 3.5).
void setPadding(EVP_PKEY_CTX* context, RsaPadding padding, int saltSize) {
  if (padding != RsaPadding::kPss) return;
  check(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1, "PSS");
  check(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, saltSize) == 1, "PSS");
}

}  // namespace

std::string toRawSignature(std::string_view der, size_t scalarSize) {
  const unsigned char* at = bytesOf(der);
  SignaturePtr signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  check(signature != nullptr, "signature");
  std::string raw(2 * scalarSize, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  const int size = static_cast<int>(scalarSize);
  bool fits = BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, size) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + size, size) > 0;
  if (!fits) throw std::invalid_argument("a key of another curve");
  return raw;
}

std::string toDerSignature(std::string_view raw) {
  const int half = static_cast<int>(raw.size() / 2);
  SignaturePtr signature(ECDSA_SIG_new());
  ECDSA_SIG_set0(signature.get(), BN_bin2bn(bytesOf(raw), half, nullptr),
                 BN_bin2bn(bytesOf(raw) + half, half, nullptr));
  unsigned char* der = nullptr;
  int size = i2d_ECDSA_SIG(signature.get(), &der);
  check(size > 0, "signature");
  std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return text;
}

std::string signText(std::string_view text, EVP_PKEY* key, const EVP_MD* digest, RsaPadding padding) {
  DigestPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  check(EVP_DigestSignInit(context.get(), &parameters, digest, nullptr, key) == 1, "sign");
  setPadding(parameters, padding, RSA_PSS_SALTLEN_DIGEST);
  size_t size = 0;
  check(EVP_DigestSign(context.get(), nullptr, &size, bytesOf(text), text.size()) == 1, "sign");
  std::string signature(size, '\0');
  auto* out = reinterpret_cast<unsigned char*>(signature.data());
  check(EVP_DigestSign(context.get(), out, &size, bytesOf(text), text.size()) == 1, "sign");
  signature.resize(size);
  return signature;
}

bool isSigned(std::string_view text, std::string_view signature, EVP_PKEY* key, const EVP_MD* digest,
              RsaPadding padding) {
  DigestPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  check(EVP_DigestVerifyInit(context.get(), &parameters, digest, nullptr, key) == 1, "verify");
  setPadding(parameters, padding, RSA_PSS_SALTLEN_AUTO);
  int outcome = EVP_DigestVerify(context.get(), bytesOf(signature), signature.size(), bytesOf(text), text.size());
  ERR_clear_error();
  return outcome == 1;
}

}  // namespace wherry::pki
