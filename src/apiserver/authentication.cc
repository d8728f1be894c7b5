#include "apiserver/authentication.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kAuthenticated = "system:authenticated";
constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";

UserPtr authenticated(User user) {
  if (!inGroup(user, kAuthenticated)) user.groups.emplace_back(kAuthenticated);
  return std::make_shared<const User>(std::move(user));
}

// The groups that a service account is in by its name.
void addServiceAccountGroups(User& user) {
  if (!user.name.starts_with(kServiceAccountPrefix)) return;
  auto rest = std::string_view(user.name).substr(kServiceAccountPrefix.size());
  user.groups.emplace_back("system:serviceaccounts");
  user.groups.push_back("system:serviceaccounts:" + std::string(rest.substr(0, rest.find(':'))));
}

UserPtr impersonate(const net::Request& request, const UserPtr& requester) {
  auto name = request.headers.get("Impersonate-User");
  if (name.empty()) return requester;
  if (!inGroup(*requester, kMasters)) {
    throw meta::forbidden(
        {"", "users"}, name,
        fmt::format("User \"{}\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
                    requester->name));
  }
  User user{std::string(name), {}, std::string(request.headers.get("Impersonate-Uid"))};
  for (const auto& [header, value] : request.headers.fields()) {
    if (base::equalsIgnoreCase(header, "Impersonate-Group")) user.groups.push_back(value);
  }
  addServiceAccountGroups(user);
  if (name == kAnonymous) return std::make_shared<const User>(std::move(user));
  return authenticated(std::move(user));
}

}  // namespace

bool inGroup(const User& user, std::string_view group) {
  return std::find(user.groups.begin(), user.groups.end(), group) != user.groups.end();
}

Authenticator::Authenticator(const std::vector<StaticToken>& tokens)
    : anonymous_(std::make_shared<const User>(User{std::string(kAnonymous), {"system:unauthenticated"}, ""})) {
  for (const auto& each : tokens) tokens_.emplace(base::sha256(each.token), authenticated(each.user));
}

UserPtr Authenticator::findToken(std::string_view token) const {
  auto found = tokens_.find(base::sha256(token));
  return found == tokens_.end() ? nullptr : found->second;
}

UserPtr Authenticator::requester(const net::Request& request) const {
  if (request.peer && !request.peer->commonName.empty()) {
    return authenticated({request.peer->commonName, request.peer->organizations, ""});
  }
  constexpr std::string_view kBearer = "Bearer ";
  auto authorization = request.headers.get("Authorization");
  if (authorization.empty()) return anonymous_;
  if (!base::equalsIgnoreCase(authorization.substr(0, kBearer.size()), kBearer)) throw meta::unauthorized();
  auto user = findToken(base::trim(authorization.substr(kBearer.size())));
  if (!user) throw meta::unauthorized();
  return user;
}

UserPtr Authenticator::authenticate(const net::Request& request) const {
  return impersonate(request, requester(request));
}

}  // namespace wherry::apiserver
