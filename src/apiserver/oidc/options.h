// Which OpenID Connect issuer's tokens name users, and how: the --oidc-... flags of kube-apiserver. Plain values.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace wherry::apiserver {

struct OidcOptions {
  std::string issuerUrl;  // "https://..."; empty: there is none
  std::string clientId;   // the audience that a token must have
  std::string usernameClaim = "sub";
  std::string usernamePrefix;  // "-": none; empty: the issuer's URL and '#', unless the claim is "email"
  std::string groupsClaim;     // empty: no groups
  std::string groupsPrefix;
  std::vector<std::string> requiredClaims;  // "key=value"
  std::vector<std::string> signingAlgorithms = {"RS256"};
  std::string caPem;                           // the authorities of which one must have signed the issuer's certificate
  std::chrono::milliseconds patience{10'000};  // with the issuer, of whoever waits for its keys

  bool operator==(const OidcOptions&) const = default;
};

// Throws std::runtime_error: which flag is wrong, and why.
void checkOidcOptions(const OidcOptions& options);

}  // namespace wherry::apiserver
