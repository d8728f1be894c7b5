#include "apiserver/authentication.h"

#include <algorithm>
#include <array>

#include "apiserver/bootstrap_tokens.h"
#include "apiserver/oidc/tokens.h"
#include "apiserver/service_account_tokens.h"
#include "base/encoding.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kAuthenticated = "system:authenticated";

UserPtr authenticated(User user) {
  if (!inGroup(user, kAuthenticated)) user.groups.emplace_back(kAuthenticated);
  return std::make_shared<const User>(std::move(user));
}

// Nothing when there is none; "" when the credentials are of another sort.
std::optional<std::string_view> tokenOf(const net::Request& request) {
  constexpr std::string_view kBearer = "Bearer ";
  auto authorization = request.headers.get("Authorization");
  if (authorization.empty()) return std::nullopt;
  if (!base::equalsIgnoreCase(authorization.substr(0, kBearer.size()), kBearer)) return "";
  return base::trim(authorization.substr(kBearer.size()));
}

}  // namespace

bool inGroup(const User& user, std::string_view group) {
  return std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end();
}

Authenticator::Authenticator(const Sources& sources)
    : anonymous_(std::make_shared<const User>(User{std::string(kAnonymous), {"system:unauthenticated"}, ""})),
      serviceAccounts_(sources.serviceAccounts),
      objects_(sources.objects),
      clock_(sources.clock),
      oidc_(sources.oidc),
      ownAudience_(serviceAccounts_ ? serviceAccounts_->issuer() : "") {
  for (const auto& each : sources.tokens) tokens_.emplace(base::sha256(each.token), authenticated(each.user));
}

std::optional<Authenticator::Bearer> Authenticator::ownBearer(UserPtr user,
                                                              const std::vector<std::string>& audiences) const {
  if (std::ranges::find(audiences, ownAudience_) == audiences.end()) return std::nullopt;
  return Bearer{std::move(user), {ownAudience_}};
}

std::optional<Authenticator::Bearer> Authenticator::findStatic(std::string_view token,
                                                               const std::vector<std::string>& audiences) const {
  auto found = tokens_.find(base::sha256(token));
  return found == tokens_.end() ? std::nullopt : ownBearer(found->second, audiences);
}

std::optional<Authenticator::Bearer> Authenticator::findServiceAccount(
    std::string_view token, const std::vector<std::string>& audiences) const {
  auto verified = serviceAccounts_ ? serviceAccounts_->verify(token, audiences) : std::nullopt;
  if (!verified) return std::nullopt;
  return Bearer{authenticated(std::move(verified->user)), std::move(verified->audiences),
                std::move(verified->staleness)};
}

std::optional<Authenticator::Bearer> Authenticator::findBootstrap(std::string_view token,
                                                                  const std::vector<std::string>& audiences) const {
  auto user = findBootstrapUser(objects_, token, clock_.now());
  return user ? ownBearer(authenticated(std::move(*user)), audiences) : std::nullopt;
}

std::optional<Authenticator::Bearer> Authenticator::findOidc(std::string_view token,
                                                             const std::vector<std::string>& audiences) const {
  auto user = oidc_ ? oidc_->verify(token) : std::nullopt;
  return user ? ownBearer(authenticated(std::move(*user)), audiences) : std::nullopt;
}

std::optional<Authenticator::Bearer> Authenticator::findBearer(std::string_view token,
                                                               std::vector<std::string> audiences) const {
  // Asked in this order; the first who knows the token says whose it is.
  static constexpr std::array kWays = {&Authenticator::findStatic, &Authenticator::findServiceAccount,
                                       &Authenticator::findBootstrap, &Authenticator::findOidc};
  if (audiences.empty()) audiences = {ownAudience_};
  for (auto way : kWays) {
    if (auto bearer = (this->*way)(token, audiences)) return bearer;
  }
  return std::nullopt;
}

UserPtr Authenticator::authenticate(const net::Request& request, AuditNotes& notes) const {
  if (request.peer && !request.peer->commonName.empty()) {
    return authenticated({request.peer->commonName, request.peer->organizations, ""});
  }
  auto token = tokenOf(request);
  if (!token) return anonymous_;
  auto bearer = findBearer(*token);
  if (!bearer) return nullptr;
  if (!bearer->staleness.empty()) notes.add("authentication.k8s.io/stale-token", std::move(bearer->staleness));
  return bearer->user;
}

bool Authenticator::awaitKeys(std::string_view token, const std::function<void()>& again) const {
  return oidc_ && oidc_->awaitKeys(token, again);
}

bool Authenticator::awaitKeys(const net::Request& request, const std::function<void()>& again) const {
  return awaitKeys(tokenOf(request).value_or(""), again);
}

}  // namespace wherry::apiserver
