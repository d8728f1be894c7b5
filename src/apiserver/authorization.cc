#include "apiserver/authorization.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/authentication.h"
#include "base/strings.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

bool isPublicPath(std::string_view path) {
  static constexpr std::array<std::string_view, 4> kPublic = {"/healthz", "/livez", "/readyz", "/version"};
  return std::any_of(kPublic.begin(), kPublic.end(),
                     [&](auto each) { return path == each || path.starts_with(std::string(each) + "/"); });
}

// What everyone who is somebody may ask: which APIs there are (upstream's ClusterRole system:discovery) ...
bool isDiscoveryPath(std::string_view path) {
  static constexpr std::array<std::string_view, 3> kRoots = {"/api", "/apis", "/openapi"};
  return std::any_of(kRoots.begin(), kRoots.end(),
                     [&](auto each) { return path == each || path.starts_with(std::string(each) + "/"); });
}

// ... and who they are and what they may do (system:basic-user).
bool asksAboutSelf(const Attributes& attributes) {
  static constexpr std::array<std::string_view, 3> kSelf = {"selfsubjectreviews", "selfsubjectaccessreviews",
                                                            "selfsubjectrulesreviews"};
  bool ofTheseGroups = attributes.group == "authorization.k8s.io" || attributes.group == "authentication.k8s.io";
  return attributes.verb == "create" && ofTheseGroups &&
         std::find(kSelf.begin(), kSelf.end(), attributes.resource) != kSelf.end();
}

std::string sentence(const User& user, const Attributes& attributes) {
  if (!attributes.isResource) {
    return fmt::format("User \"{}\" cannot {} path \"{}\"", user.name, attributes.verb, attributes.path);
  }
  auto resource = attributes.resource;
  if (!attributes.subresource.empty()) resource += "/" + attributes.subresource;
  auto where = attributes.ns.empty() ? std::string("at the cluster scope")
                                     : fmt::format("in the namespace \"{}\"", attributes.ns);
  return fmt::format("User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {}", user.name, attributes.verb,
                     resource, attributes.group, where);
}

meta::StatusError pathForbidden(const std::string& why) {
  meta::StatusError error(403, "Forbidden", "forbidden: " + why);
  error.withDetails({});
  return error;
}

}  // namespace

Decision authorizeMasters(const User& user, const Attributes& attributes) {
  if (inGroup(user, kMasters)) return {true, ""};
  if (!attributes.isResource && isPublicPath(attributes.path)) return {true, ""};
  bool basic =
      attributes.isResource ? asksAboutSelf(attributes) : attributes.verb == "get" && isDiscoveryPath(attributes.path);
  return {basic && inGroup(user, "system:authenticated"), ""};
}

Attributes attributesOf(const RequestInfo& info, std::string_view method) {
  Attributes attributes;
  attributes.isResource = info.isResource;
  attributes.path = info.path;
  attributes.verb = info.isResource ? std::string(verbName(info.verb)) : base::toLower(method);
  if (!info.isResource) return attributes;
  attributes.group = info.group;
  attributes.version = info.version;
  attributes.resource = info.resource;
  attributes.subresource = info.subresource;
  attributes.ns = info.ns;
  attributes.name = info.name;
  return attributes;
}

void requireAllowed(const Authorizer& authorizer, const User& user, const Attributes& attributes) {
  auto decision = authorizer(user, attributes);
  if (decision.allowed) return;
  if (user.name == kAnonymous) throw meta::unauthorized();
  auto why = sentence(user, attributes);
  if (!decision.reason.empty()) why += ": " + decision.reason;
  if (!attributes.isResource) throw pathForbidden(why);
  throw meta::forbidden({attributes.group, attributes.resource}, attributes.name, why);
}

}  // namespace wherry::apiserver
