#include "apiserver/authorization/rule_coverage.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "meta/status.h"

namespace wherry::apiserver {
namespace {

using Texts = std::vector<std::string>;

bool holdsAll(const Texts& held, const Texts& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& each) { return listsText(held, each); });
}

bool holdsAllOrAny(const Texts& held, const Texts& wanted) { return listsText(held, "*") || holdsAll(held, wanted); }

bool holdsResources(const Texts& held, const Texts& wanted) {
  if (holdsAllOrAny(held, wanted)) return true;
  return std::ranges::all_of(wanted, [&](const std::string& each) {
    auto slash = each.find('/');
    return listsText(held, each) || (slash != std::string::npos && listsText(held, "*" + each.substr(slash)));
  });
}

bool holdsPaths(const Texts& held, const Texts& wanted) {
  return std::ranges::all_of(wanted, [&](const std::string& path) {
    return std::ranges::any_of(held, [&](const std::string& pattern) { return coversPath(pattern, path); });
  });
}

bool covers(const PolicyRule& held, const PolicyRule& wanted) {
  bool names = held.resourceNames.empty() ||
               (!wanted.resourceNames.empty() && holdsAll(held.resourceNames, wanted.resourceNames));
  return names && holdsAllOrAny(held.verbs, wanted.verbs) && holdsAllOrAny(held.apiGroups, wanted.apiGroups) &&
         holdsResources(held.resources, wanted.resources) && holdsPaths(held.nonResourceURLs, wanted.nonResourceURLs);
}

bool coveredByOne(const PolicyRules& held, const PolicyRule& wanted) {
  return std::ranges::any_of(held, [&](const PolicyRule& each) { return covers(each, wanted); });
}

size_t countRights(const PolicyRule& rule) {
  size_t names = std::max<size_t>(rule.resourceNames.size(), 1);
  size_t count = rule.nonResourceURLs.size();
  // Each list is bounded by the size of a request, so that no product of two overflows.
  size_t resources = rule.apiGroups.size() * rule.resources.size();
  if (resources > kMaxSingleRights || names > kMaxSingleRights) return kMaxSingleRights + 1;
  count = std::min(count + resources * names, kMaxSingleRights + 1);
  return count * std::max<size_t>(rule.verbs.size(), 1);
}

// Calls f for each single right of a rule.
template <typename F>
void forEachRight(const PolicyRule& rule, F&& f) {
  for (const auto& verb : rule.verbs) {
    for (const auto& path : rule.nonResourceURLs) f(PolicyRule{{verb}, {}, {}, {}, {path}});
    for (const auto& group : rule.apiGroups) {
      for (const auto& resource : rule.resources) {
        if (rule.resourceNames.empty()) f(PolicyRule{{verb}, {group}, {resource}, {}, {}});
        for (const auto& name : rule.resourceNames) f(PolicyRule{{verb}, {group}, {resource}, {name}, {}});
      }
    }
  }
}

}  // namespace

PolicyRules uncoveredRights(const PolicyRules& held, const PolicyRules& wanted) {
  PolicyRules uncovered;
  size_t count = 0;
  for (const auto& rule : wanted) {
    if (coveredByOne(held, rule)) continue;
    count += countRights(rule);
    if (count > kMaxSingleRights) {
      throw meta::forbidden(
          {"rbac.authorization.k8s.io", "roles"}, "",
          fmt::format("its rules come to more than {} single rights, which is too many to check", kMaxSingleRights));
    }
    forEachRight(rule, [&](PolicyRule right) {
      if (!coveredByOne(held, right)) uncovered.push_back(std::move(right));
    });
  }
  return uncovered;
}

PolicyRules compactRights(const PolicyRules& rights) {
  using Key = std::tuple<Texts, Texts, Texts>;
  PolicyRules compact;
  std::map<Key, size_t> places;
  for (const auto& right : rights) {
    auto [place, isNew] =
        places.try_emplace(Key(right.apiGroups, right.resources, right.resourceNames), compact.size());
    if (isNew || !right.nonResourceURLs.empty()) {
      compact.push_back(right);
      continue;
    }
    auto& verbs = compact[place->second].verbs;
    std::ranges::copy_if(right.verbs, std::back_inserter(verbs),
                         [&](const auto& verb) { return !listsText(verbs, verb); });
  }
  return compact;
}

std::string renderTexts(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += fmt::format("{}\"{}\"", list.empty() ? "" : " ", text);
  return "[" + list + "]";
}

std::string renderRights(const PolicyRule& rule) {
  std::vector<std::string> parts;
  auto put = [&](std::string_view name, const std::vector<std::string>& texts) {
    if (!texts.empty()) parts.push_back(fmt::format("{}:{}", name, renderTexts(texts)));
  };
  put("APIGroups", rule.apiGroups);
  put("Resources", rule.resources);
  put("NonResourceURLs", rule.nonResourceURLs);
  put("ResourceNames", rule.resourceNames);
  put("Verbs", rule.verbs);
  return fmt::format("{{{}}}", fmt::join(parts, ", "));
}

}  // namespace wherry::apiserver
