// Certificates for tests, made when the test runs.
#pragma once

#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace wherry::net {

struct TestCertificate {
  std::string certificatePem;
  std::string keyPem;
};

// For localhost and 127.0.0.1, O=wheelhouse, signed by itself: so it is its own authority, for servers and clients
// alike.
inline TestCertificate makeTestCertificate(const std::string& commonName) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  auto add = [&](const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()), -1,
                               -1, 0);
  };
  add("O", "wheelhouse");
  add("CN", commonName);
  X509_set_issuer_name(certificate, name);
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, &context, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());

  BIO* bio = BIO_new(BIO_s_mem());
  auto take = [&] {
    char* data = nullptr;
    long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    (void)BIO_reset(bio);
    return text;
  };
  TestCertificate result;
  PEM_write_bio_X509(bio, certificate);
  result.certificatePem = take();
  PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  result.keyPem = take();
  BIO_free(bio);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return result;
}

}  // namespace wherry::net
