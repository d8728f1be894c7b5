#include "apiserver/authorization/policy_rule.h"

#include <algorithm>

namespace wherry::apiserver {
namespace {

constexpr std::string_view kAll = "*";

std::vector<std::string> textsAt(const json::Value& rule, std::string_view field) {
  std::vector<std::string> texts;
  const auto* list = json::find(rule, field);
  if (!list || !list->is_array()) return texts;
  for (const auto& each : list->get_array()) {
    if (each.is_string()) texts.emplace_back(each.get_string());
  }
  return texts;
}

bool permitsAny(const std::vector<std::string>& list, std::string_view wanted) {
  return std::ranges::any_of(list, [&](const std::string& each) { return each == kAll || each == wanted; });
}

// "pods", "pods/log", "*/log", "*".
bool permitsResource(const std::string& permitted, const Attributes& wanted) {
  if (permitted == kAll) return true;
  if (wanted.subresource.empty()) return permitted == wanted.resource;
  std::string_view text = permitted;
  auto slash = text.find('/');
  if (slash == std::string_view::npos || text.substr(slash + 1) != wanted.subresource) return false;
  return text.substr(0, slash) == wanted.resource || text.substr(0, slash) == kAll;
}

}  // namespace

bool listsText(const std::vector<std::string>& list, std::string_view text) {
  return std::ranges::find(list, text) != list.end();
}

bool coversPath(std::string_view pattern, std::string_view path) {
  if (pattern == path) return true;
  return pattern.ends_with('*') && path.starts_with(pattern.substr(0, pattern.size() - 1));
}

bool PolicyRule::permits(const Attributes& wanted) const {
  if (!permitsAny(verbs, wanted.verb)) return false;
  if (!wanted.isResource) {
    return std::ranges::any_of(nonResourceURLs, [&](const auto& each) { return coversPath(each, wanted.path); });
  }
  if (!permitsAny(apiGroups, wanted.group)) return false;
  if (!std::ranges::any_of(resources, [&](const auto& each) { return permitsResource(each, wanted); })) return false;
  return resourceNames.empty() || listsText(resourceNames, wanted.name);
}

PolicyRules readRules(const json::Value& role) {
  PolicyRules rules;
  const auto* list = json::find(role, "rules");
  if (!list || !list->is_array()) return rules;
  for (const auto& rule : list->get_array()) {
    rules.push_back({textsAt(rule, "verbs"), textsAt(rule, "apiGroups"), textsAt(rule, "resources"),
                     textsAt(rule, "resourceNames"), textsAt(rule, "nonResourceURLs")});
  }
  return rules;
}

json::Object renderRule(const PolicyRule& rule) {
  json::Object object;
  auto put = [&](std::string_view field, const std::vector<std::string>& texts) {
    if (!texts.empty()) object[field] = json::Array(texts.begin(), texts.end());
  };
  put("verbs", rule.verbs);
  put("apiGroups", rule.apiGroups);
  put("resources", rule.resources);
  put("resourceNames", rule.resourceNames);
  put("nonResourceURLs", rule.nonResourceURLs);
  return object;
}

}  // namespace wherry::apiserver
