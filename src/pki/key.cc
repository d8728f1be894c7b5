#include "pki/key.h"

#include <stdexcept>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "pki/openssl.h"

namespace wherry::pki {

void throwOpenSsl(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_get_error());
  ERR_clear_error();
  throw std::runtime_error(what + ": " + (reason ? reason : "unknown OpenSSL error"));
}

BioPtr newMemoryBio() {
  BioPtr bio(BIO_new(BIO_s_mem()));
  check(bio != nullptr, "BIO_new");
  return bio;
}

std::string takeText(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

KeyPtr parsePrivateKey(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char noPassphrase[] = "";  // else OpenSSL asks the terminal for one
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, noPassphrase));
  ERR_clear_error();
  if (!key) throw std::invalid_argument("not a private key in PEM form");
  return key;
}

KeyPtr parsePublicKey(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  KeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!key) throw std::invalid_argument("not a public key in PEM form");
  return key;
}

std::string newPrivateKey() {
  KeyPtr key(EVP_EC_gen("P-256"));
  check(key != nullptr, "new key");
  BioPtr bio = newMemoryBio();
  check(PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "write key");
  return takeText(bio.get());
}

std::string publicKeyOf(const std::string& privateKeyPem) {
  KeyPtr key = parsePrivateKey(privateKeyPem);
  BioPtr bio = newMemoryBio();
  check(PEM_write_bio_PUBKEY(bio.get(), key.get()) == 1, "write public key");
  return takeText(bio.get());
}

}  // namespace wherry::pki
