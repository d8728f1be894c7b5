#include "pki/served_chain.h"

#include <stdexcept>

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "pki/certificate.h"
#include "pki/certificate_parts.h"
#include "pki/openssl.h"

namespace wherry::pki {
namespace {

const base::WallTime kNow = base::WallTime(std::chrono::seconds(1'767'225'600));

KeyPair serverPair(const KeyPair& authority) {
  return issueCertificate(authority, {.commonName = "a", .names = {"a.example.com"}}, kNow);
}

std::string faultOf(const std::string& chain, const std::string& key) {
  try {
    servedChain(chain, key);
    return "";
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
}

// Signed by itself, with an RSA key of so many bits; the key is encrypted when there is a passphrase.
KeyPair rsaPair(unsigned bits, const char* passphrase = nullptr) {
  KeyPtr key(EVP_RSA_gen(bits));
  X509Ptr certificate(X509_new());
  setSerial(certificate.get());
  setValidity(certificate.get(), kNow, kNow + std::chrono::hours(24));
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  BioPtr bio = newMemoryBio();
  PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), passphrase ? EVP_aes_128_cbc() : nullptr, nullptr, 0, nullptr,
                                const_cast<char*>(passphrase));
  return {renderCertificate(certificate.get()), takeText(bio.get())};
}

TEST(ServedChain, HoldsTheChainAndItsKeyAndNothingElse) {
  const KeyPair authority = newAuthority("ca", std::chrono::hours(24), kNow), pair = serverPair(authority);
  const std::string chain =
      servedChain("a note\n" + pair.certificatePem + "# another\n" + authority.certificatePem,
                  "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + pair.keyPem);
  EXPECT_EQ(chain, pair.certificatePem + authority.certificatePem + pair.keyPem);
}

TEST(ServedChain, SaysWhatAServerCouldNotStartWith) {
  const KeyPair authority = newAuthority("ca", std::chrono::hours(24), kNow), pair = serverPair(authority);
  EXPECT_EQ(faultOf("", pair.keyPem), "there is no certificate in PEM form in it");
  EXPECT_EQ(
      faultOf(pair.certificatePem + "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n", pair.keyPem),
      "a certificate in it is broken");
  EXPECT_EQ(faultOf(pair.certificatePem, ""), "not a private key in PEM form");
  EXPECT_EQ(faultOf(pair.certificatePem, authority.keyPem), "the key does not belong to the certificate");
  const KeyPair strong = rsaPair(2048), weak = rsaPair(1024), locked = rsaPair(2048, "secret");
  EXPECT_EQ(faultOf(strong.certificatePem, strong.keyPem), "");
  EXPECT_EQ(faultOf(weak.certificatePem, weak.keyPem),
            "the key of a certificate in it is too weak (RSA needs 2048 bits)");
  EXPECT_EQ(faultOf(locked.certificatePem, locked.keyPem), "not a private key in PEM form");
}

TEST(ServedChain, AuthoritiesAreCertificatesAlone) {
  const KeyPair authority = newAuthority("ca", std::chrono::hours(24), kNow);
  EXPECT_EQ(authorityBundle("x\n" + authority.certificatePem + authority.keyPem + authority.certificatePem),
            authority.certificatePem + authority.certificatePem);
  EXPECT_THROW(authorityBundle(authority.keyPem), std::invalid_argument);
}

}  // namespace
}  // namespace wherry::pki
