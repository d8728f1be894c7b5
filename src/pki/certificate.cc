#include "pki/certificate.h"

#include <algorithm>
#include <ctime>
#include <stdexcept>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "pki/certificate_parts.h"
#include "pki/key.h"
#include "pki/openssl.h"

namespace wherry::pki {
namespace {

constexpr std::chrono::hours kClockSkew{1};
constexpr base::WallTime kRelease{std::chrono::seconds{1'767'225'600}};  // 2026-01-01

base::WallTime endOf(std::chrono::hours lifetime, base::WallTime now) { return std::max(now, kRelease) + lifetime; }

bool isAddress(const std::string& name) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, name.c_str(), bytes) == 1 || ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

void addSubjectEntry(X509_NAME* subject, const char* field, const std::string& value) {
  auto* bytes = reinterpret_cast<const unsigned char*>(value.data());
  int added = X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8, bytes, static_cast<int>(value.size()), -1, 0);
  check(added == 1, "certificate subject");
}

void setSubject(X509* certificate, const CertificateSpec& spec) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  for (const std::string& organization : spec.organizations) addSubjectEntry(subject, "O", organization);
  addSubjectEntry(subject, "CN", spec.commonName);
}

std::string renderNames(const std::vector<std::string>& names) {
  std::vector<std::string> parts;
  for (const std::string& name : names) {
    // A comma would begin another name.
    if (name.empty() || name.find_first_of(",\n\r") != std::string::npos) {
      throw std::invalid_argument("not a server name: \"" + name + "\"");
    }
    parts.push_back((isAddress(name) ? "IP:" : "DNS:") + name);
  }
  return base::join(parts, ",");
}

void addExtensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  bool authority = spec.usage == Usage::kAuthority;
  addExtension(certificate, issuer, NID_basic_constraints, authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  addExtension(certificate, issuer, NID_key_usage,
               authority ? "critical,digitalSignature,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!authority) {
    addExtension(certificate, issuer, NID_ext_key_usage, spec.usage == Usage::kServer ? "serverAuth" : "clientAuth");
  }
  addExtension(certificate, issuer, NID_subject_key_identifier, "hash");
  addExtension(certificate, issuer, NID_authority_key_identifier, "keyid");
  if (!spec.names.empty()) addExtension(certificate, issuer, NID_subject_alt_name, renderNames(spec.names));
}

struct Validity {
  base::WallTime from;
  base::WallTime to;
};

// `issuer` null: signed by itself.
KeyPair make(const CertificateSpec& spec, X509* issuer, const std::string* issuerKeyPem, Validity validity,
             std::string keyPem = newPrivateKey()) {
  KeyPair pair{"", std::move(keyPem)};
  KeyPtr key = parsePrivateKey(pair.keyPem);
  KeyPtr signingKey = issuerKeyPem ? parsePrivateKey(*issuerKeyPem) : nullptr;
  X509Ptr certificate(X509_new());
  check(certificate != nullptr, "X509_new");
  if (issuer == nullptr) issuer = certificate.get();
  X509_set_version(certificate.get(), X509_VERSION_3);
  setSerial(certificate.get());
  setValidity(certificate.get(), validity.from, validity.to);
  setSubject(certificate.get(), spec);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  X509_set_pubkey(certificate.get(), key.get());
  addExtensions(certificate.get(), issuer, spec);
  EVP_PKEY* signer = signingKey ? signingKey.get() : key.get();
  check(X509_sign(certificate.get(), signer, EVP_sha256()) > 0, "sign certificate");
  pair.certificatePem = renderCertificate(certificate.get());
  return pair;
}

int purposeOf(Usage usage) {
  switch (usage) {
    case Usage::kServer:
      return X509_PURPOSE_SSL_SERVER;
    case Usage::kClient:
      return X509_PURPOSE_SSL_CLIENT;
    case Usage::kAuthority:
      break;
  }
  return X509_PURPOSE_ANY;
}

}  // namespace

X509Ptr parseCertificate(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!certificate) throw std::invalid_argument("not a certificate in PEM form");
  return certificate;
}

KeyPair newAuthority(const std::string& commonName, std::chrono::hours lifetime, base::WallTime now) {
  CertificateSpec spec{.usage = Usage::kAuthority, .commonName = commonName};
  return make(spec, nullptr, nullptr, {now - kClockSkew, endOf(lifetime, now)});
}

KeyPair renewAuthority(const KeyPair& authority, std::chrono::hours lifetime, base::WallTime now) {
  CertificateFacts former = readCertificate(authority.certificatePem);
  CertificateSpec spec{.usage = Usage::kAuthority, .commonName = former.commonName};
  Validity validity{std::min(former.notBefore, now - kClockSkew), std::max(former.notAfter, endOf(lifetime, now))};
  return make(spec, nullptr, nullptr, validity, authority.keyPem);
}

KeyPair issueCertificate(const KeyPair& authority, const CertificateSpec& spec, base::WallTime now) {
  X509Ptr issuer = parseCertificate(authority.certificatePem);
  auto end = std::min(endOf(spec.lifetime, now), toWallTime(X509_get0_notAfter(issuer.get())));
  return make(spec, issuer.get(), &authority.keyPem, {now - kClockSkew, end});
}

std::vector<std::string> canonicalNames(const std::vector<std::string>& names) {
  std::vector<std::string> canonical;
  for (const std::string& name : names) {
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    bool v6 = ::inet_pton(AF_INET6, name.c_str(), bytes) == 1;
    canonical.push_back(v6 ? ::inet_ntop(AF_INET6, bytes, text, sizeof text) : name);
  }
  return canonical;
}

CertificateFacts readCertificate(const std::string& certificatePem) {
  X509Ptr certificate = parseCertificate(certificatePem);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  auto commonNames = readSubject(subject, NID_commonName);
  CertificateFacts facts;
  if (!commonNames.empty()) facts.commonName = commonNames.front();
  facts.organizations = readSubject(subject, NID_organizationName);
  GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  facts.names = readNames(names.get());
  facts.isAuthority = X509_check_ca(certificate.get()) == 1;
  facts.notBefore = toWallTime(X509_get0_notBefore(certificate.get()));
  facts.notAfter = toWallTime(X509_get0_notAfter(certificate.get()));
  return facts;
}

std::optional<std::string> findFault(const std::string& certificatePem, const std::string& authorityPem, Usage usage,
                                     base::WallTime at) {
  X509Ptr certificate = parseCertificate(certificatePem);
  X509Ptr authority = parseCertificate(authorityPem);
  StorePtr store(X509_STORE_new());
  StoreContextPtr context(X509_STORE_CTX_new());
  check(store && context && X509_STORE_add_cert(store.get(), authority.get()) == 1, "certificate store");
  check(X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) == 1, "certificate store");
  X509_STORE_CTX_set_time(context.get(), 0, std::chrono::system_clock::to_time_t(at));
  X509_STORE_CTX_set_purpose(context.get(), purposeOf(usage));
  if (X509_verify_cert(context.get()) == 1) return std::nullopt;
  ERR_clear_error();
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

bool belongTogether(const KeyPair& pair) {
  bool together =
      X509_check_private_key(parseCertificate(pair.certificatePem).get(), parsePrivateKey(pair.keyPem).get()) == 1;
  ERR_clear_error();
  return together;
}

std::string fingerprint(const std::string& certificatePem) {
  X509Ptr certificate = parseCertificate(certificatePem);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  check(X509_digest(certificate.get(), EVP_sha256(), digest, &size) == 1, "fingerprint");
  return base::encodeHex({reinterpret_cast<char*>(digest), size});
}

}  // namespace wherry::pki
