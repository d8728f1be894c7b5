// The ID tokens of an OpenID Connect issuer as bearer tokens: JWTs that one of its keys has signed. Safe from any
// thread.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "apiserver/oidc/issuer_keys.h"
#include "apiserver/oidc/options.h"
#include "base/clock.h"
#include "pki/signed_token.h"

namespace wherry::apiserver {

class OidcTokens {
 public:
  OidcTokens(OidcOptions options, const base::Clock& clock, Dispatcher& dispatcher);

  // Begins to fetch the issuer's keys; ends that, and calls back who waits.
  void start() { keys_.start(); }
  void stop() { keys_.stop(); }

  // Whose token it is; nothing when it is nobody's, as far as can be said with the keys at hand.
  std::optional<User> verify(std::string_view token);

  // Whether it would be somebody's if other keys than those at hand had signed it, and those are being fetched: `again`
  // is then called, once, when there is more to say. False: verify() now says all there is to say.
  bool awaitKeys(std::string_view token, const std::function<void()>& again);

 private:
  struct Claimant {
    pki::SignedToken token;
    User user;
  };
  std::optional<Claimant> readUnverified(std::string_view token) const;

  const OidcOptions options_;
  const base::Clock& clock_;
  IssuerKeys keys_;
};

}  // namespace wherry::apiserver
