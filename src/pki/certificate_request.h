// Requests for certificates (PKCS #10, RFC 2986) as PEM text: reading them, and issuing what they ask for. Pure but for
// random numbers; safe from any thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "pki/certificate.h"

namespace wherry::pki {

// What stands in a request.
struct RequestFacts {
  std::string commonName;
  std::vector<std::string> organizations;
  std::vector<std::string> dnsNames;
  std::vector<std::string> addresses;
  std::vector<std::string> emails;
  std::vector<std::string> uris;
};

// Throws std::invalid_argument when the text is no request in PEM form, or not signed with the key that it names.
RequestFacts readRequest(const std::string& requestPem);

// What the issuer decides. The uses are openssl's names: {"digitalSignature", "clientAuth"}.
struct IssueSpec {
  std::vector<std::string> keyUsages;
  std::vector<std::string> extendedKeyUsages;
  std::chrono::seconds lifetime{3600};
};

// For the key, subject and names of the request, never an authority. Valid from five minutes before `now`; it does not
// outlive the authority. Throws as readRequest() does.
std::string issueRequested(const KeyPair& authority, const std::string& requestPem, const IssueSpec& spec,
                           base::WallTime now);

}  // namespace wherry::pki
