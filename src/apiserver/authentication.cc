#include "apiserver/authentication.h"

#include <algorithm>

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

}  // namespace

bool inGroup(const User& user, std::string_view group) {
  return std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end();
}

Authenticator::Authenticator(const std::vector<StaticToken>& tokens, const ServiceAccountTokens* serviceAccounts)
    : anonymous_(std::make_shared<const User>(User{std::string(kAnonymous), {"system:unauthenticated"}, ""})),
      serviceAccounts_(serviceAccounts) {
  for (const auto& each : tokens) tokens_.emplace(base::sha256(each.token), authenticated(each.user));
}

std::optional<Authenticator::Bearer> Authenticator::findBearer(std::string_view token,
                                                               std::vector<std::string> audiences) const {
  const std::vector<std::string> own = {serviceAccounts_ ? serviceAccounts_->issuer() : ""};
  bool forUs = audiences.empty() || std::ranges::find(audiences, own.front()) != audiences.end();
  if (audiences.empty()) audiences = own;
  if (auto found = tokens_.find(base::sha256(token)); found != tokens_.end()) {
    return forUs ? std::optional(Bearer{found->second, own}) : std::nullopt;
  }
  auto verified = serviceAccounts_ ? serviceAccounts_->verify(token, audiences) : std::nullopt;
  if (!verified) return std::nullopt;
  return Bearer{authenticated(std::move(verified->user)), std::move(verified->audiences)};
}

UserPtr Authenticator::authenticate(const net::Request& request) const { return requester(request); }

UserPtr Authenticator::requester(const net::Request& request) const {
  if (request.peer && !request.peer->commonName.empty()) {
    return authenticated({request.peer->commonName, request.peer->organizations, ""});
  }
  constexpr std::string_view kBearer = "Bearer ";
  auto authorization = request.headers.get("Authorization");
  if (authorization.empty()) return anonymous_;
  if (!base::equalsIgnoreCase(authorization.substr(0, kBearer.size()), kBearer)) throw meta::unauthorized();
  auto bearer = findBearer(base::trim(authorization.substr(kBearer.size())));
  if (!bearer) throw meta::unauthorized();
  return bearer->user;
}

}  // namespace wherry::apiserver
