#include "pki/served_chain.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pki/certificate_parts.h"
#include "pki/openssl.h"

namespace wherry::pki {
namespace {

// OpenSSL's security level 2, its default in Debian.
constexpr int kSecurityBits = 112;
// What TLS 1.2 and 1.3 know as a server's key.
constexpr std::array kServerKeys = {EVP_PKEY_RSA, EVP_PKEY_RSA_PSS, EVP_PKEY_EC, EVP_PKEY_ED25519, EVP_PKEY_ED448};

// An encrypted block is asked nobody for a passphrase, it has none.
void* noPassphrase() {
  static char none[] = "";
  return none;
}

std::vector<X509Ptr> readCertificates(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<X509Ptr> certificates;
  ERR_clear_error();
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, noPassphrase())) certificates.emplace_back(next);
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!ended) throw std::invalid_argument("a certificate in it is broken");
  if (certificates.empty()) throw std::invalid_argument("there is no certificate in PEM form in it");
  return certificates;
}

// As OpenSSL does before it serves one: a signature of its own isn't looked at.
void checkStrength(X509* certificate) {
  if (EVP_PKEY_get_security_bits(X509_get0_pubkey(certificate)) < kSecurityBits) {
    throw std::invalid_argument("the key of a certificate in it is too weak (RSA needs 2048 bits)");
  }
  int bits = 0;
  const bool known = X509_get_signature_info(certificate, nullptr, nullptr, &bits, nullptr) == 1;
  const bool selfSigned = (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;
  ERR_clear_error();
  if (!selfSigned && (!known || bits < kSecurityBits)) {
    throw std::invalid_argument("the signature of a certificate in it is too weak (SHA-256 is needed)");
  }
}

KeyPtr readKey(const std::string& pem, X509* certificate) {
  KeyPtr key = parsePrivateKey(pem);
  if (std::find(kServerKeys.begin(), kServerKeys.end(), EVP_PKEY_get_base_id(key.get())) == kServerKeys.end()) {
    throw std::invalid_argument("the key is of a kind that TLS does not know");
  }
  const bool together = X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  if (!together) throw std::invalid_argument("the key does not belong to the certificate");
  return key;
}

std::string render(const std::vector<X509Ptr>& certificates) {
  std::string text;
  for (const X509Ptr& each : certificates) text += renderCertificate(each.get());
  return text;
}

}  // namespace

std::string servedChain(const std::string& chainPem, const std::string& keyPem) {
  const auto certificates = readCertificates(chainPem);
  for (const X509Ptr& each : certificates) checkStrength(each.get());
  const KeyPtr key = readKey(keyPem, certificates.front().get());
  BioPtr bio = newMemoryBio();
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "write key");
  return render(certificates) + takeText(bio.get());
}

std::string authorityBundle(const std::string& pem) { return render(readCertificates(pem)); }

}  // namespace wherry::pki
