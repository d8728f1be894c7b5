// What an issuer publishes (OpenID Connect Discovery 1.0), fetched over TLS.
#pragma once

#include <stop_token>

#include "apiserver/oidc/options.h"
#include "pki/key_set.h"

namespace wherry::apiserver {

// Reads the issuer's discovery document, and the keys that it leads to. Blocks; a requested stop ends it. Throws
// std::exception: what went wrong, for the log.
pki::KeySet fetchIssuerKeys(const OidcOptions& options, std::stop_token stop);

}  // namespace wherry::apiserver
