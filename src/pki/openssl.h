// OpenSSL's objects with owners, for the sources of this folder alone.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace wherry::pki {

template <auto Free>
struct OpenSslDeleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, OpenSslDeleter<BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, OpenSslDeleter<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpenSslDeleter<EVP_PKEY_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, OpenSslDeleter<EVP_MD_CTX_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, OpenSslDeleter<X509_EXTENSION_free>>;
using StorePtr = std::unique_ptr<X509_STORE, OpenSslDeleter<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, OpenSslDeleter<X509_STORE_CTX_free>>;

// Throws std::runtime_error: "what: OpenSSL's reason".
[[noreturn]] void throwOpenSsl(const std::string& what);
inline void check(bool ok, const char* what) {
  if (!ok) throwOpenSsl(what);
}

// Throw std::invalid_argument when the text is something else.
KeyPtr parsePrivateKey(const std::string& pem);
KeyPtr parsePublicKey(const std::string& pem);
X509Ptr parseCertificate(const std::string& pem);  // the first one

BioPtr newMemoryBio();
std::string takeText(BIO* bio);

}  // namespace wherry::pki
