#include "ingress/served_certificates.h"

#include <stdexcept>

#include "base/encoding.h"
#include "base/strings.h"
#include "pki/certificate.h"
#include "pki/served_chain.h"

namespace wherry::ingress {

CertificatePtr readServedCertificate(const std::string& chainPem, const std::string& keyPem) {
  auto read = std::make_shared<ServedCertificate>();
  try {
    read->pem = pki::servedChain(chainPem, keyPem);
    const auto facts = pki::readCertificate(read->pem);
    for (const std::string& name : facts.names) read->names.push_back(base::toLower(name));
    read->commonName = base::toLower(facts.commonName);
  } catch (const std::invalid_argument& error) {
    *read = {.fault = error.what()};
  }
  return read;
}

CertificatePtr readAuthorities(const std::string& pem) {
  auto read = std::make_shared<ServedCertificate>();
  try {
    read->pem = pki::authorityBundle(pem);
  } catch (const std::invalid_argument& error) {
    read->fault = error.what();
  }
  return read;
}

CertificatePtr CertificateCache::find(const std::string& digest, const std::function<CertificatePtr()>& read) {
  auto at = known_.find(digest);
  if (at == known_.end()) {
    ++reads_;
    at = known_.emplace(digest, Known{read(), true}).first;
  }
  at->second.isUsed = true;
  return at->second.certificate;
}

CertificatePtr CertificateCache::certificate(const std::string& chainPem, const std::string& keyPem) {
  return find(base::sha256(chainPem) + base::sha256(keyPem), [&] { return readServedCertificate(chainPem, keyPem); });
}

CertificatePtr CertificateCache::authorities(const std::string& pem) {
  return find(base::sha256(pem), [&] { return readAuthorities(pem); });
}

void CertificateCache::sweep() {
  std::erase_if(known_, [](const auto& each) { return !each.second.isUsed; });
  for (auto& [digest, known] : known_) known.isUsed = false;
}

}  // namespace wherry::ingress
