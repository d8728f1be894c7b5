#include "apiserver/authorization/impersonation.h"

#include <optional>

#include "apiserver/authentication.h"
#include "apiserver/authorization.h"
#include "apiserver/service_account_tokens.h"
#include "base/encoding.h"
#include "base/strings.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kExtraHeader = "Impersonate-Extra-";
constexpr std::string_view kAuthenticated = "system:authenticated";
constexpr std::string_view kUnauthenticated = "system:unauthenticated";

struct ServiceAccountName {
  std::string_view ns, name;
};

// Of "system:serviceaccount:<namespace>:<name>".
std::optional<ServiceAccountName> serviceAccountOf(std::string_view userName) {
  if (!userName.starts_with(kServiceAccountPrefix)) return std::nullopt;
  auto parts = base::split(userName.substr(kServiceAccountPrefix.size()), ':');
  if (parts.size() != 2 || parts[0].empty() || parts[1].empty()) return std::nullopt;
  return ServiceAccountName{parts[0], parts[1]};
}

// As the headers have it: neither checked nor complete.
User readHeaders(const net::Request& request) {
  User user{
      std::string(request.headers.get("Impersonate-User")), {}, std::string(request.headers.get("Impersonate-Uid"))};
  for (const auto& [header, value] : request.headers.fields()) {
    if (base::equalsIgnoreCase(header, "Impersonate-Group")) {
      user.groups.push_back(value);
    } else if (base::equalsIgnoreCase(std::string_view(header).substr(0, kExtraHeader.size()), kExtraHeader)) {
      auto key = base::toLower(std::string_view(header).substr(kExtraHeader.size()));
      user.extra[base::decodePercent(key).value_or(key)].push_back(value);
    }
  }
  return user;
}

class Check {
 public:
  Check(const Authorizer& authorizer, const User& requester) : authorizer_(authorizer), requester_(requester) {}

  void user(const std::string& name) const {
    auto account = serviceAccountOf(name);
    if (!account) return require("", "users", "", "", name);
    require("", "serviceaccounts", "", std::string(account->ns), std::string(account->name));
  }
  void group(const std::string& name) const { require("", "groups", "", "", name); }
  void uid(const std::string& uid) const { require("authentication.k8s.io", "uids", "", "", uid); }
  void extra(const std::string& key, const std::string& value) const {
    require("authentication.k8s.io", "userextras", key, "", value);
  }

 private:
  void require(std::string group, std::string resource, std::string subresource, std::string ns,
               std::string name) const {
    Attributes attributes{.verb = "impersonate", .group = std::move(group), .version = "v1"};
    attributes.resource = std::move(resource);
    attributes.subresource = std::move(subresource);
    attributes.ns = std::move(ns);
    attributes.name = std::move(name);
    requireAllowed(authorizer_, requester_, attributes);
  }

  const Authorizer& authorizer_;
  const User& requester_;
};

void requireAll(const Check& check, const User& user) {
  check.user(user.name);
  for (const auto& group : user.groups) check.group(group);
  for (const auto& [key, values] : user.extra) {
    for (const auto& value : values) check.extra(key, value);
  }
  if (!user.uid.empty()) check.uid(user.uid);
}

// The groups that somebody of this name is in by the name alone.
void addImpliedGroups(User& user) {
  if (user.groups.empty() && serviceAccountOf(user.name)) user.groups = serviceAccountGroups(user.name);
  auto implied = user.name == kAnonymous ? kUnauthenticated : kAuthenticated;
  if (!inGroup(user, kAuthenticated) && !inGroup(user, kUnauthenticated)) user.groups.emplace_back(implied);
}

}  // namespace

UserPtr impersonatedUser(const net::Request& request, const UserPtr& requester, const Authorizer& authorizer) {
  auto user = readHeaders(request);
  if (user.name.empty()) {
    if (user.groups.empty() && user.extra.empty() && user.uid.empty()) return requester;
    throw meta::badRequest("groups, a uid or extra fields were requested without a user to impersonate");
  }
  requireAll(Check(authorizer, *requester), user);
  addImpliedGroups(user);
  return std::make_shared<const User>(std::move(user));
}

}  // namespace wherry::apiserver
