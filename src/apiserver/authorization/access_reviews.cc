#include "apiserver/authorization/access_reviews.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "apiserver/authentication.h"
#include "apiserver/authorization/node_authorizer.h"
#include "apiserver/authorization/role_authorizer.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

const json::Value kEmpty = json::Object();

meta::StatusError invalidReview(const json::Value& review, meta::FieldError error) {
  return meta::invalid({"authorization.k8s.io", "v1", std::string(json::getString(review, "kind"))}, "",
                       {std::move(error)});
}

const json::Array& listAt(const json::Value& value, std::string_view path) {
  static const json::Array kNone;
  const auto* list = json::find(value, path);
  return list && list->is_array() ? list->get_array() : kNone;
}

// One requirement of a field selector as text; "" for what field selectors can't say (it narrows nothing then).
std::string requirementText(const json::Value& requirement) {
  const auto& values = listAt(requirement, "values");
  auto op = json::getString(requirement, "operator");
  if (values.size() != 1 || !values[0].is_string() || (op != "In" && op != "NotIn")) return "";
  std::string_view value = values[0].get_string();
  return fmt::format("{}{}{}", json::getString(requirement, "key"), op == "In" ? "=" : "!=", value);
}

void checkSelector(const json::Value& review, const json::Value& asked, const std::string& name) {
  const auto* selector = json::find(asked, name);
  if (!selector || !selector->is_object()) return;
  auto field = "spec.resourceAttributes." + name;
  auto raw = json::getString(*selector, "rawSelector");
  bool listed = !listAt(*selector, "requirements").empty();
  if (!raw.empty() && listed) {
    throw invalidReview(review, meta::invalidField(field + ".rawSelector", json::Value(raw),
                                                   "may not specified at the same time as requirements"));
  }
  if (raw.empty() && !listed) {
    throw invalidReview(
        review, meta::requiredField(field + ".requirements",
                                    "when " + field + " is specified, requirements or rawSelector is required"));
  }
}

std::string fieldSelectorFrom(const json::Value& asked) {
  std::string selector(json::getString(asked, "fieldSelector.rawSelector"));
  for (const auto& requirement : listAt(asked, "fieldSelector.requirements")) {
    auto text = requirementText(requirement);
    if (!text.empty()) selector += (selector.empty() ? "" : ",") + text;
  }
  return selector;
}

Attributes attributesFrom(const json::Value& spec, const json::Value& review) {
  Attributes attributes;
  const auto* resource = json::find(spec, "resourceAttributes");
  const auto* path = json::find(spec, "nonResourceAttributes");
  if ((resource != nullptr) == (path != nullptr)) {
    throw invalidReview(
        review, meta::invalidField("spec.resourceAttributes", nullptr,
                                   "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
  }
  const auto& asked = resource ? *resource : *path;
  checkSelector(review, asked, "fieldSelector");
  checkSelector(review, asked, "labelSelector");
  auto text = [&](std::string_view key) { return std::string(json::getString(asked, key)); };
  attributes.isResource = resource != nullptr;
  attributes.verb = text("verb");
  if (path) attributes.path = text("path");
  attributes.group = text("group");
  attributes.version = text("version");
  attributes.resource = text("resource");
  attributes.subresource = text("subresource");
  attributes.ns = text("namespace");
  attributes.name = text("name");
  attributes.fieldSelector = fieldSelectorFrom(asked);
  return attributes;
}

json::Value decide(const Backend& backend, const User& user, json::Value review) {
  const auto* spec = json::find(review, "spec");
  auto decision = backend.authorizer(user, attributesFrom(spec ? *spec : kEmpty, review));
  json::Object status{{"allowed", decision.allowed}};
  if (!decision.reason.empty()) status["reason"] = decision.reason;
  review.as_object()["status"] = std::move(status);
  return review;
}

// Whoever may do everything may so whatever roles there are.
PolicyRules allRulesOf(const User& user, PolicyRules held) {
  PolicyRules rules;
  if (inGroup(user, kMasters)) rules = {{{"*"}, {"*"}, {"*"}, {}, {}}, {{"*"}, {}, {}, {}, {"*"}}};
  for (auto& rule : held) {
    if (std::ranges::find(rules, rule) == rules.end()) rules.push_back(std::move(rule));
  }
  return rules;
}

}  // namespace

json::Value reviewOwnAccess(const Backend& backend, std::string_view, const User& user, json::Value review) {
  return decide(backend, user, std::move(review));
}

json::Value reviewAccess(const Backend& backend, std::string_view ns, const User&, json::Value review) {
  User subject{std::string(json::getString(review, "spec.user")), {}, std::string(json::getString(review, "spec.uid"))};
  for (const auto& group : listAt(review, "spec.groups")) {
    if (group.is_string()) subject.groups.emplace_back(group.get_string());
  }
  if (subject.name.empty() && subject.groups.empty()) {
    throw invalidReview(review, meta::invalidField("spec.user", "", "at least one of user or group must be specified"));
  }
  bool local = json::getString(review, "kind") == "LocalSubjectAccessReview";
  if (local && json::getString(review, "spec.resourceAttributes.namespace") != ns) {
    throw meta::badRequest("spec.resourceAttributes.namespace must match namespace");
  }
  return decide(backend, subject, std::move(review));
}

json::Value reviewOwnRules(const Backend& backend, std::string_view, const User& user, json::Value review) {
  auto ns = json::getString(review, "spec.namespace");
  if (ns.empty()) throw meta::badRequest("no namespace on request");
  auto held = backend.roles->index()->rulesOf(user, ns);
  json::Array resourceRules;
  json::Array pathRules;
  for (const auto& rule : allRulesOf(user, std::move(held.rules))) {
    if (!rule.resources.empty()) resourceRules.push_back(renderRule(rule));
    if (!rule.nonResourceURLs.empty()) pathRules.push_back(renderRule(rule));
  }
  bool isNode = nodeOf(user).has_value();
  if (isNode) held.errors.emplace_back("node authorizer does not support user rule resolution");
  json::Object status{
      {"resourceRules", std::move(resourceRules)}, {"nonResourceRules", std::move(pathRules)}, {"incomplete", isNode}};
  if (!held.errors.empty()) status["evaluationError"] = fmt::format("{}", fmt::join(held.errors, ", "));
  review.as_object()["status"] = std::move(status);
  return review;
}

}  // namespace wherry::apiserver
