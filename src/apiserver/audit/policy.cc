#include "apiserver/audit/policy.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::apiserver::audit {
namespace {

using json::getString;
using Names = std::vector<std::string>;

constexpr std::array<std::string_view, 4> kLevels = {"None", "Metadata", "Request", "RequestResponse"};
constexpr std::array<std::string_view, 4> kStages = {"RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"};

// -- reading --------------------------------------------------------------------------------------------------------

template <typename Enum>
Enum parseName(const std::array<std::string_view, 4>& names, std::string_view text, const std::string& field) {
  auto at = std::find(names.begin(), names.end(), text);
  if (at != names.end()) return static_cast<Enum>(at - names.begin());
  throw std::runtime_error(
      fmt::format("{}: Unsupported value: \"{}\": supported values: {}", field, text, fmt::join(names, ", ")));
}

Names readNames(const json::Value& object, const char* key) {
  Names names;
  for (const json::Value& each : arrayAt(object, key)) names.emplace_back(textOf(each));
  return names;
}

std::vector<Stage> readStages(const json::Value& object, const std::string& field) {
  std::vector<Stage> stages;
  for (const json::Value& each : arrayAt(object, "omitStages")) {
    stages.push_back(parseName<Stage>(kStages, textOf(each), field + "omitStages"));
  }
  return stages;
}

void requireUrls(const Names& urls, const std::string& field) {
  for (const std::string& url : urls) {
    auto star = url.find('*');
    bool fine = url == "*" || (url.starts_with('/') && (star == std::string::npos || star + 1 == url.size()));
    if (!fine) {
      throw std::runtime_error(fmt::format(
          "{}nonResourceURLs: Invalid value: \"{}\": must begin with '/', with a '*' only at its end", field, url));
    }
  }
}

Rule readRule(const json::Value& object, const json::Value& policy, const std::string& field) {
  Rule rule;
  rule.decision.level = parseName<Level>(kLevels, getString(object, "level"), field + "level");
  rule.decision.omitStages = readStages(policy, "");
  for (Stage stage : readStages(object, field)) rule.decision.omitStages.push_back(stage);
  rule.decision.omitManagedFields =
      json::getBool(object, "omitManagedFields", json::getBool(policy, "omitManagedFields"));
  rule.users = readNames(object, "users");
  rule.userGroups = readNames(object, "userGroups");
  rule.verbs = readNames(object, "verbs");
  rule.namespaces = readNames(object, "namespaces");
  rule.nonResourceUrls = readNames(object, "nonResourceURLs");
  requireUrls(rule.nonResourceUrls, field);
  for (const json::Value& each : arrayAt(object, "resources")) {
    rule.resources.push_back(
        {std::string(getString(each, "group")), readNames(each, "resources"), readNames(each, "resourceNames")});
  }
  if (!rule.nonResourceUrls.empty() && (!rule.resources.empty() || !rule.namespaces.empty())) {
    throw std::runtime_error(field +
                             "nonResourceURLs: rules cannot apply to both regular resources and non-resource URLs");
  }
  return rule;
}

// -- matching -------------------------------------------------------------------------------------------------------

bool has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool matchesUrl(const Names& urls, std::string_view path) {
  return std::any_of(urls.begin(), urls.end(), [&](const std::string& url) {
    if (url == "*" || url == path) return true;
    return url.ends_with('*') && path.starts_with(std::string_view(url).substr(0, url.size() - 1));
  });
}

bool matchesResource(const GroupResources& each, const RequestInfo& info) {
  if (each.group != info.group) return false;
  if (!each.names.empty() && !has(each.names, info.name)) return false;
  if (each.resources.empty()) return true;
  std::string full = info.subresource.empty() ? info.resource : info.resource + "/" + info.subresource;
  return std::any_of(each.resources.begin(), each.resources.end(), [&](const std::string& wanted) {
    if (wanted == "*" || wanted == full) return true;
    if (info.subresource.empty()) return false;
    return wanted == info.resource + "/*" || wanted == "*/" + info.subresource;
  });
}

bool matches(const Rule& rule, const User& user, const RequestInfo& info, std::string_view verb) {
  if (!rule.users.empty() && !has(rule.users, user.name)) return false;
  bool inGroup = std::any_of(user.groups.begin(), user.groups.end(),
                             [&](const std::string& group) { return has(rule.userGroups, group); });
  if (!rule.userGroups.empty() && !inGroup) return false;
  if (!rule.verbs.empty() && !has(rule.verbs, verb)) return false;
  bool ofResources = !rule.namespaces.empty() || !rule.resources.empty();
  if (!ofResources && rule.nonResourceUrls.empty()) return true;
  if (!info.isResource) return !ofResources && matchesUrl(rule.nonResourceUrls, info.path);
  if (!ofResources) return false;
  if (!rule.namespaces.empty() && !has(rule.namespaces, info.ns)) return false;
  return rule.resources.empty() || std::any_of(rule.resources.begin(), rule.resources.end(),
                                               [&](const auto& each) { return matchesResource(each, info); });
}

}  // namespace

std::string_view levelName(Level level) { return kLevels.at(static_cast<size_t>(level)); }
std::string_view stageName(Stage stage) { return kStages.at(static_cast<size_t>(stage)); }

bool Decision::notes(Stage stage) const {
  return level != Level::kNone && std::find(omitStages.begin(), omitStages.end(), stage) == omitStages.end();
}

Policy Policy::parse(std::string_view yaml) {
  json::Value tree = json::parseYaml(yaml);
  if (getString(tree, "apiVersion") != "audit.k8s.io/v1" || getString(tree, "kind") != "Policy") {
    throw std::runtime_error("not a Policy of audit.k8s.io/v1");
  }
  Policy policy;
  const json::Array& rules = arrayAt(tree, "rules");
  if (rules.empty()) throw std::runtime_error("rules: there is none, so that nothing would be noted");
  for (size_t i = 0; i < rules.size(); ++i) {
    policy.rules_.push_back(readRule(rules[i], tree, fmt::format("rules[{}].", i)));
  }
  return policy;
}

Decision Policy::decide(const User& user, const RequestInfo& info, std::string_view verb) const {
  for (const Rule& rule : rules_) {
    if (matches(rule, user, info, verb)) return rule.decision;
  }
  return {};
}

}  // namespace wherry::apiserver::audit
