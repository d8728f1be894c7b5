// X.509 certificates (RFC 5280) as PEM text: making, reading and checking them. Pure but for random numbers; safe from
// any thread. Text that is no certificate or key throws std::invalid_argument.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace wherry::pki {

// A certificate and the private key that belongs to it.
struct KeyPair {
  std::string certificatePem;
  std::string keyPem;
};

enum class Usage { kAuthority, kServer, kClient };

struct CertificateSpec {
  Usage usage = Usage::kServer;
  std::string commonName;
  std::vector<std::string> organizations;  // a user's groups, in client certificates
  std::vector<std::string> names;          // of a server: DNS names ("*.x" too) and addresses
  std::chrono::hours lifetime{24 * 365};
};

// What stands in a certificate.
struct CertificateFacts {
  std::string commonName;
  std::vector<std::string> organizations;
  std::vector<std::string> names;  // as in CertificateSpec, in the certificate's order
  bool isAuthority = false;
  base::WallTime notBefore;
  base::WallTime notAfter;
};

// Certificates are valid from an hour before `now` (other machines' clocks differ). A clock that says a time before
// this release existed is wrong, and will be set: the lifetime then begins with the release.

// Signed by itself.
KeyPair newAuthority(const std::string& commonName, std::chrono::hours lifetime, base::WallTime now);
// The same name and key with a new end; valid whenever the former one was, and now.
KeyPair renewAuthority(const KeyPair& authority, std::chrono::hours lifetime, base::WallTime now);
// With a new key, signed by `authority`; it does not outlive the authority.
KeyPair issueCertificate(const KeyPair& authority, const CertificateSpec& spec, base::WallTime now);

// The names as a certificate made for them gives them back: addresses in their shortest form.
std::vector<std::string> canonicalNames(const std::vector<std::string>& names);

CertificateFacts readCertificate(const std::string& certificatePem);

// Why the certificate should not be believed at that time for that use; nothing when it should.
std::optional<std::string> findFault(const std::string& certificatePem, const std::string& authorityPem, Usage usage,
                                     base::WallTime at);

bool belongTogether(const KeyPair& pair);

// SHA-256 of the certificate, 64 hex digits.
std::string fingerprint(const std::string& certificatePem);

}  // namespace wherry::pki
