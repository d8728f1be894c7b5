#include "apiserver/oidc/tokens.h"

#include <algorithm>

#include "apiserver/oidc/claims.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kLongestToken = 64 << 10;  // bytes; no request's head is longer

}  // namespace

OidcTokens::OidcTokens(OidcOptions options, const base::Clock& clock, Dispatcher& dispatcher)
    : options_(std::move(options)), clock_(clock), keys_(options_, clock, dispatcher) {}

std::optional<OidcTokens::Claimant> OidcTokens::readUnverified(std::string_view text) const {
  if (text.size() > kLongestToken) return std::nullopt;
  auto token = pki::parseSignedToken(text);
  if (!token || std::ranges::find(options_.signingAlgorithms, token->algorithm) == options_.signingAlgorithms.end()) {
    return std::nullopt;
  }
  auto user = userOfClaims(options_, token->claims, clock_.now());
  if (!user) return std::nullopt;
  return Claimant{std::move(*token), std::move(*user)};
}

std::optional<User> OidcTokens::verify(std::string_view text) {
  auto claimant = readUnverified(text);
  if (!claimant || !keys_.load()->hasSigned(claimant->token)) return std::nullopt;
  return std::move(claimant->user);
}

bool OidcTokens::awaitKeys(std::string_view text, const std::function<void()>& again) {
  auto claimant = readUnverified(text);
  if (!claimant) return false;
  for (;;) {
    auto keys = keys_.load();
    if (keys->hasSigned(claimant->token)) return false;
    auto outlook = keys_.awaitOthers(keys, again);
    if (outlook != IssuerKeys::Outlook::kChanged) return outlook == IssuerKeys::Outlook::kWaits;
  }
}

}  // namespace wherry::apiserver
