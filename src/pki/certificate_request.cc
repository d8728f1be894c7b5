#include "pki/certificate_request.h"

#include <algorithm>
#include <stdexcept>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/strings.h"
#include "pki/certificate_parts.h"

namespace wherry::pki {
namespace {

using RequestPtr = std::unique_ptr<X509_REQ, OpenSslDeleter<X509_REQ_free>>;

void freeExtensions(STACK_OF(X509_EXTENSION) * extensions) {
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}
using ExtensionsPtr = std::unique_ptr<STACK_OF(X509_EXTENSION), OpenSslDeleter<freeExtensions>>;

constexpr std::chrono::minutes kBackdate{5};

RequestPtr parseRequest(const std::string& pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  EVP_PKEY* key = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  bool signedByIt = key && X509_REQ_verify(request.get(), key) == 1;
  ERR_clear_error();
  if (!request) throw std::invalid_argument("PEM block type must be CERTIFICATE REQUEST");
  if (!signedByIt) throw std::invalid_argument("the request is not signed with the key that it names");
  return request;
}

GeneralNamesPtr namesOf(X509_REQ* request) {
  ExtensionsPtr extensions(X509_REQ_get_extensions(request));
  return GeneralNamesPtr(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, nullptr, nullptr)));
}

void addNames(X509* certificate, const GENERAL_NAMES* names) {
  if (sk_GENERAL_NAME_num(names) <= 0) return;
  check(X509_add1_ext_i2d(certificate, NID_subject_alt_name, const_cast<GENERAL_NAMES*>(names), 0, 0) == 1, "names");
}

void addUsages(X509* certificate, X509* issuer, const IssueSpec& spec) {
  addExtension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  auto usages = base::join(spec.keyUsages, ",");
  if (!usages.empty()) addExtension(certificate, issuer, NID_key_usage, "critical," + usages);
  auto extended = base::join(spec.extendedKeyUsages, ",");
  if (!extended.empty()) addExtension(certificate, issuer, NID_ext_key_usage, extended);
  addExtension(certificate, issuer, NID_authority_key_identifier, "keyid");
}

}  // namespace

RequestFacts readRequest(const std::string& requestPem) {
  RequestPtr request = parseRequest(requestPem);
  X509_NAME* subject = X509_REQ_get_subject_name(request.get());
  RequestFacts facts;
  auto commonNames = readSubject(subject, NID_commonName);
  if (!commonNames.empty()) facts.commonName = commonNames.front();
  facts.organizations = readSubject(subject, NID_organizationName);
  GeneralNamesPtr names = namesOf(request.get());
  auto texts = readNames(names.get());
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    std::string& text = texts[static_cast<size_t>(i)];
    switch (sk_GENERAL_NAME_value(names.get(), i)->type) {
      case GEN_DNS:
        facts.dnsNames.push_back(std::move(text));
        break;
      case GEN_IPADD:
        facts.addresses.push_back(std::move(text));
        break;
      case GEN_EMAIL:
        facts.emails.push_back(std::move(text));
        break;
      default:
        facts.uris.push_back(std::move(text));
    }
  }
  return facts;
}

std::string issueRequested(const KeyPair& authority, const std::string& requestPem, const IssueSpec& spec,
                           base::WallTime now) {
  RequestPtr request = parseRequest(requestPem);
  X509Ptr issuer = parseCertificate(authority.certificatePem);
  X509Ptr certificate(X509_new());
  check(certificate != nullptr, "X509_new");
  X509_set_version(certificate.get(), X509_VERSION_3);
  setSerial(certificate.get());
  setValidity(certificate.get(), now - kBackdate,
              std::min(now + spec.lifetime, toWallTime(X509_get0_notAfter(issuer.get()))));
  X509_set_subject_name(certificate.get(), X509_REQ_get_subject_name(request.get()));
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
  X509_set_pubkey(certificate.get(), X509_REQ_get0_pubkey(request.get()));
  addUsages(certificate.get(), issuer.get(), spec);
  addNames(certificate.get(), namesOf(request.get()).get());
  check(X509_sign(certificate.get(), parsePrivateKey(authority.keyPem).get(), EVP_sha256()) > 0, "sign certificate");
  return renderCertificate(certificate.get());
}

}  // namespace wherry::pki
