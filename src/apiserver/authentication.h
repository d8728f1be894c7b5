// Who sends a request: a verified client certificate (CN is the user, O the groups) or a bearer token. Whom they act as
// is another matter (authorization/impersonation.h). Safe from any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "apiserver/admission/admission.h"
#include "apiserver/written.h"
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

class ServiceAccountTokens;

class Authenticator {
 public:
  // `serviceAccounts` may be null: then they have no tokens.
  explicit Authenticator(const std::vector<StaticToken>& tokens, const ServiceAccountTokens* serviceAccounts = nullptr);

  // Throws Unauthorized for a token that is not known.
  // Without any credentials the user is system:anonymous.
  UserPtr authenticate(const net::Request& request) const;

  struct Bearer {
    UserPtr user;
    std::vector<std::string> audiences;  // of those that were asked for
  };
  // Whose token this is, for the API server itself when no audiences are given. Nothing when it is not known, or meant
  // for others.
  std::optional<Bearer> findBearer(std::string_view token, std::vector<std::string> audiences = {}) const;

 private:
  UserPtr requester(const net::Request& request) const;

  // By the token's SHA-256, so that a search's time tells nothing about the tokens there are.
  std::unordered_map<std::string, UserPtr> tokens_;
  UserPtr anonymous_;
  const ServiceAccountTokens* serviceAccounts_;
};

bool inGroup(const User& user, std::string_view group);

}  // namespace wherry::apiserver
