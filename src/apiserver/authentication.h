// Who sends a request: a verified client certificate (CN is the user, O the groups) or a bearer token. Whom they act as
// is another matter (authorization/impersonation.h). Safe from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/written.h"
#include "base/clock.h"
#include "base/strings.h"
#include "net/http.h"

namespace wherry::apiserver {

inline constexpr std::string_view kMasters = "system:masters";
inline constexpr std::string_view kAnonymous = "system:anonymous";

// A token that a file or the start of the cluster gave out.
struct StaticToken {
  std::string token;
  User user;
};

class OidcTokens;
class ServiceAccountTokens;

class Authenticator {
 public:
  struct Sources {
    const std::vector<StaticToken>& tokens;
    const ServiceAccountTokens* serviceAccounts;  // null: they have no tokens
    const ObjectReader& objects;                  // where bootstrap tokens are
    const base::Clock& clock;
    OidcTokens* oidc;  // null: no issuer is believed
  };
  explicit Authenticator(const Sources& sources);

  // Null for credentials that are not known. Without any the user is system:anonymous. Says in `notes` when a token is
  // used beyond its time.
  UserPtr authenticate(const net::Request& request, AuditNotes& notes) const;

  struct Bearer {
    UserPtr user;
    std::vector<std::string> audiences;  // of those that were asked for
    std::string staleness = {};          // service_account_tokens.h
  };
  // Whose token this is, for the API server itself when no audiences are given. Nothing when it is not known, or meant
  // for others.
  std::optional<Bearer> findBearer(std::string_view token, std::vector<std::string> audiences = {}) const;

  // Whether more will be known of a token that is not known: the keys of its issuer are being fetched, and `again` is
  // called, once, from another thread, when that is over. False: it is worth asking once more now, and then no more.
  bool awaitKeys(std::string_view token, const std::function<void()>& again) const;
  bool awaitKeys(const net::Request& request, const std::function<void()>& again) const;

 private:
  // The ways to know a token; their order stands in findBearer().
  std::optional<Bearer> findStatic(std::string_view token, const std::vector<std::string>& audiences) const;
  std::optional<Bearer> findServiceAccount(std::string_view token, const std::vector<std::string>& audiences) const;
  std::optional<Bearer> findBootstrap(std::string_view token, const std::vector<std::string>& audiences) const;
  std::optional<Bearer> findOidc(std::string_view token, const std::vector<std::string>& audiences) const;
  // For tokens that name no audience of ours: they are meant for this API server.
  std::optional<Bearer> ownBearer(UserPtr user, const std::vector<std::string>& audiences) const;

  // By the token's SHA-256, so that a search's time tells nothing about the tokens there are.
  std::unordered_map<std::string, UserPtr> tokens_;
  UserPtr anonymous_;
  const ServiceAccountTokens* serviceAccounts_;
  const ObjectReader& objects_;
  const base::Clock& clock_;
  OidcTokens* oidc_;
  const std::string ownAudience_;
};

bool inGroup(const User& user, std::string_view group);

}  // namespace wherry::apiserver
