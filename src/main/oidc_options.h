// The flags of `wherry server` for tokens of an OpenID Connect issuer, named and meant as kube-apiserver's. Plain
// values.
#pragma once

#include <string>

#include <CLI/App.hpp>

#include "apiserver/oidc/options.h"

namespace wherry::main {

struct OidcFlags {
  apiserver::OidcOptions options;  // all but the authorities
  std::string caFile;              // empty: the system's
};

void declareOidcFlags(CLI::App& parser, OidcFlags& flags);

// Checks them and reads the authorities. Throws std::runtime_error with the flag that is wrong. `ownIssuer`: the one of
// ServiceAccount tokens, which no other may be named like.
apiserver::OidcOptions oidcOptions(const OidcFlags& flags, const std::string& ownIssuer);

}  // namespace wherry::main
