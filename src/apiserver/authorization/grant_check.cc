#include "apiserver/authorization/grant_check.h"

#include <set>

#include <fmt/format.h>

#include "apiserver/authentication.h"
#include "apiserver/authorization/role_authorizer.h"
#include "apiserver/authorization/rule_coverage.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

bool hasAuthority(const Backend& backend, const AdmissionRequest& request, const char* verb, const char* resource,
                  std::string_view name) {
  Attributes attributes{.verb = verb, .group = std::string(kGroup), .version = "v1", .resource = resource};
  attributes.ns = request.ns;
  attributes.name = name;
  return backend.authorizer(request.user, attributes).allowed;
}

// What the garbage collector needs to change to let an object go grants nothing.
bool changesOnlyOwnership(const AdmissionRequest& request) {
  if (!request.old) return false;
  auto rest = [](json::Value object) {
    auto& metadata = object.as_object()["metadata"].as_object();
    for (auto field : {"ownerReferences", "finalizers", "managedFields", "resourceVersion"}) metadata.erase(field);
    return object;
  };
  return json::equal(rest(request.object), rest(*request.old));
}

std::string explain(const User& user, const PolicyRules& missing, const std::vector<std::string>& errors) {
  std::set<std::string> lines;
  for (const auto& rule : compactRights(missing)) lines.insert(renderRights(rule));
  auto text = fmt::format("user \"{}\" (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
                          user.name, renderTexts(user.groups), fmt::join(lines, "\n"));
  if (!errors.empty()) text += fmt::format("; resolution errors: [{}]", fmt::join(errors, " "));
  return text;
}

meta::StatusError refusal(const AdmissionRequest& request, std::string why) {
  return meta::forbidden(request.kind.resource.groupResource(), request.name, std::move(why));
}

void requireHeld(const RoleIndex& roles, const AdmissionRequest& request, const PolicyRules& wanted) {
  auto held = roles.rulesOf(request.user, request.ns);
  auto missing = uncoveredRights(held.rules, wanted);
  if (!missing.empty()) throw refusal(request, explain(request.user, missing, held.errors));
}

// Such a role gathers rules that nobody has looked at yet.
void requireAllForAggregation(const RoleIndex& roles, const AdmissionRequest& request) {
  bool aggregates = json::find(request.object, "aggregationRule") != nullptr ||
                    (request.old && json::find(*request.old, "aggregationRule") != nullptr);
  if (!aggregates) return;
  const PolicyRules everything = {{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  if (uncoveredRights(roles.rulesOf(request.user, "").rules, everything).empty()) return;
  throw refusal(request, "must have cluster-admin privileges to use the aggregationRule");
}

void checkRole(const Backend& backend, const AdmissionRequest& request) {
  bool cluster = request.kind.resource.kind == "ClusterRole";
  if (hasAuthority(backend, request, "escalate", cluster ? "clusterroles" : "roles", request.name)) return;
  auto roles = backend.roles->index();
  requireHeld(*roles, request, readRules(request.object));
  if (cluster) requireAllForAggregation(*roles, request);
}

void checkBinding(const Backend& backend, const AdmissionRequest& request) {
  auto role = readBinding(request.object).role;
  const char* resource = role.kind == "Role" ? "roles" : "clusterroles";
  if (hasAuthority(backend, request, "bind", resource, role.name)) return;
  auto roles = backend.roles->index();
  auto rules = roles->findRules(role, request.ns);
  if (!rules) throw meta::notFound({std::string(kGroup), resource}, role.name);
  requireHeld(*roles, request, *rules);
}

}  // namespace

void requireMayGrant(const Backend& backend, const AdmissionRequest& request) {
  if (request.kind.resource.group != kGroup || !backend.roles) return;
  if (inGroup(request.user, kMasters) || changesOnlyOwnership(request)) return;
  request.kind.resource.kind.ends_with("Binding") ? checkBinding(backend, request) : checkRole(backend, request);
}

}  // namespace wherry::apiserver
