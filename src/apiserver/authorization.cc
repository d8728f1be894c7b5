#include "apiserver/authorization.h"

#include <fmt/format.h>

#include "apiserver/authentication.h"
#include "apiserver/authorization/attributes.h"
#include "base/strings.h"
#include "meta/selector.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

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

// Of a list or watch: one that is for a single name is for that object.
void addSelector(Attributes& attributes, std::string_view selector) {
  bool many = attributes.verb == "list" || attributes.verb == "watch" || attributes.verb == "deletecollection";
  if (!many) return;
  attributes.fieldSelector = selector;
  if (attributes.verb == "deletecollection") return;
  try {
    if (auto name = meta::FieldSelector::parse(selector).required("metadata.name")) attributes.name = *name;
  } catch (const meta::StatusError&) {
    // The list itself will say what is wrong with it.
  }
}

meta::StatusError pathForbidden(const std::string& why) {
  meta::StatusError error(403, "Forbidden", "forbidden: " + why);
  error.withDetails({});
  return error;
}

}  // namespace

Decision authorizeMasters(const User& user, const Attributes&) { return {inGroup(user, kMasters), ""}; }

Attributes attributesOf(const RequestInfo& info, std::string_view method) {
  Attributes attributes;
  attributes.isResource = info.isResource;
  attributes.verb = info.isResource ? std::string(verbName(info.verb)) : base::toLower(method);
  if (!info.isResource) {
    attributes.path = info.path;
    return attributes;
  }
  attributes.group = info.group;
  attributes.version = info.version;
  attributes.resource = info.resource;
  attributes.subresource = info.subresource;
  attributes.ns = info.ns;
  attributes.name = info.name;
  if (info.query.has("fieldSelector")) addSelector(attributes, info.query.get("fieldSelector"));
  return attributes;
}

void requireAllowed(const Authorizer& authorizer, const User& user, const Attributes& attributes) {
  requireAllowed(authorizer(user, attributes), user, attributes);
}

void requireAllowed(const Decision& decision, const User& user, const Attributes& attributes) {
  if (decision.allowed) return;
  if (user.name == kAnonymous) throw meta::unauthorized();
  auto why = sentence(user, attributes);
  if (!decision.reason.empty()) why += ": " + decision.reason;
  if (!attributes.isResource) throw pathForbidden(why);
  throw meta::forbidden({attributes.group, attributes.resource}, attributes.name, why);
}

}  // namespace wherry::apiserver
