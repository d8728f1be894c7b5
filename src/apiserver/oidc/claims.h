// Whom the claims of an ID token name (OpenID Connect Core 1.0 section 2), as kube-apiserver reads them. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "apiserver/oidc/options.h"
#include "base/clock.h"

namespace wherry::apiserver {

// Nothing when the claims are another issuer's, not for us, not of this moment, without what is required, or don't say
// who it is. Nothing is said about who signed them. Distributed claims (section 5.6.2) are not followed: groups that
// stand elsewhere are no groups.
std::optional<User> userOfClaims(const OidcOptions& options, std::string_view claims, base::WallTime now);

}  // namespace wherry::apiserver
