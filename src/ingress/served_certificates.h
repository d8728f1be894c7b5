// Certificates that users bring, as HAProxy gets them. Reading one costs some tenths of a millisecond, and routes are
// compiled anew with every change of any: so what was read is kept, by its content, while it is in use.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace wherry::ingress {

struct ServedCertificate {
  std::string pem;                 // chain and key, or the authorities
  std::vector<std::string> names;  // that it is for, in lower case
  std::string commonName;          // likewise
  std::string fault;               // why it can't be served; nothing else is set then
};
using CertificatePtr = std::shared_ptr<const ServedCertificate>;

// Never null. Pure.
CertificatePtr readServedCertificate(const std::string& chainPem, const std::string& keyPem);
CertificatePtr readAuthorities(const std::string& pem);

// Not thread-safe.
class CertificateCache {
 public:
  CertificatePtr certificate(const std::string& chainPem, const std::string& keyPem);
  CertificatePtr authorities(const std::string& pem);
  // Forgets what nobody has asked for since the last sweep.
  void sweep();

  size_t size() const { return known_.size(); }
  int reads() const { return reads_; }  // that were necessary

 private:
  struct Known {
    CertificatePtr certificate;
    bool isUsed;
  };
  CertificatePtr find(const std::string& digest, const std::function<CertificatePtr()>& read);

  std::map<std::string, Known> known_;  // by SHA-256: private keys are no keys of a map
  int reads_ = 0;
};

}  // namespace wherry::ingress
