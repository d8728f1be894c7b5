#include "apiserver/authorization/default_roles.h"

#include <algorithm>
#include <map>

#include "apiserver/authorization/default_roles_text.h"
#include "apiserver/authorization/rule_coverage.h"
#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";
constexpr std::string_view kAutoUpdate = "rbac.authorization.kubernetes.io/autoupdate";
constexpr std::string_view kControllerPrefix = "system:controller:";

std::string aggregationLabel(std::string_view to) {
  return "rbac.authorization.k8s.io/aggregate-to-" + std::string(to);
}

const json::Array& itemsOf(const json::Value& root, std::string_view key) {
  static const json::Array kNone;
  const auto* list = json::find(root, key);
  return list && list->is_array() ? list->get_array() : kNone;
}

json::Object metadataOf(std::string_view name, std::string_view ns) {
  json::Object metadata{{"name", name}};
  if (!ns.empty()) metadata["namespace"] = ns;
  metadata["labels"] = json::Object{{"kubernetes.io/bootstrapping", "rbac-defaults"}};
  metadata["annotations"] = json::Object{{kAutoUpdate, "true"}};
  return metadata;
}

BootstrapObject objectOf(const char* resource, const char* kind, std::string_view ns, json::Object object) {
  auto scope = ns.empty() ? meta::Scope::kCluster : meta::Scope::kNamespaced;
  return {{std::string(kGroup), "v1", resource, kind, scope}, std::string(ns), std::move(object)};
}

// "Group system:masters", "ServiceAccount kube-system/kube-dns".
json::Object subjectOf(std::string_view text) {
  auto kindAndName = base::splitOnce(text, ' ');
  json::Object subject{{"kind", kindAndName->first}};
  if (kindAndName->first == "ServiceAccount") {
    auto place = base::splitOnce(kindAndName->second, '/');
    subject["name"] = place->second;
    subject["namespace"] = place->first;
  } else {
    subject["apiGroup"] = kGroup;
    subject["name"] = kindAndName->second;
  }
  return subject;
}

json::Object bindingOf(const json::Value& item, std::string_view ns, const char* roleKind) {
  auto name = json::getString(item, "name");
  json::Object binding{
      {"metadata", metadataOf(name, ns)},
      {"roleRef",
       json::Object{{"apiGroup", kGroup}, {"kind", roleKind}, {"name", json::getString(item, "role", name)}}}};
  json::Array subjects;
  for (const auto& subject : itemsOf(item, "subjects")) subjects.push_back(subjectOf(subject.get_string()));
  if (!subjects.empty()) binding["subjects"] = std::move(subjects);
  return binding;
}

// By name, as the controller that keeps aggregated roles up to date takes them.
json::Array aggregate(const json::Value& all, std::string_view to) {
  std::map<std::string_view, const json::Value*> parts;
  for (const auto& item : itemsOf(all, "clusterRoles")) {
    if (json::getString(item, "aggregatedTo") == to) parts[json::getString(item, "name")] = &item;
  }
  json::Array rules;
  for (const auto& [name, item] : parts) {
    auto nested = json::getString(*item, "aggregates");
    auto own = nested.empty() ? itemsOf(*item, "rules") : aggregate(all, nested);
    rules.insert(rules.end(), own.begin(), own.end());
  }
  return rules;
}

json::Object clusterRoleOf(const json::Value& all, const json::Value& item) {
  json::Object role{{"metadata", metadataOf(json::getString(item, "name"), "")}};
  auto to = json::getString(item, "aggregatedTo");
  if (!to.empty()) role["metadata"].as_object()["labels"].as_object()[aggregationLabel(to)] = "true";
  auto from = json::getString(item, "aggregates");
  if (from.empty()) {
    role["rules"] = itemsOf(item, "rules");
    return role;
  }
  json::Object labels{{aggregationLabel(from), "true"}};
  json::Array selectors{json::Object{{"matchLabels", std::move(labels)}}};
  role["aggregationRule"] = json::Object{{"clusterRoleSelectors", std::move(selectors)}};
  role["rules"] = aggregate(all, from);
  return role;
}

void addController(const json::Value& item, std::vector<BootstrapObject>& objects) {
  auto name = json::getString(item, "name");
  json::Object named{{"name", std::string(kControllerPrefix) + std::string(name)},
                     {"rules", itemsOf(item, "rules")},
                     {"subjects", json::Array{"ServiceAccount kube-system/" + std::string(name)}}};
  objects.push_back(objectOf("clusterroles", "ClusterRole", "", clusterRoleOf(nullptr, named)));
  objects.push_back(
      objectOf("clusterrolebindings", "ClusterRoleBinding", "", bindingOf(std::move(named), "", "ClusterRole")));
}

// -- what a stored one lacks

// Of labels or annotations: what is there stays as it is.
bool addMissingMembers(json::Object& metadata, std::string_view field, const json::Value& wanted) {
  const auto* from = json::find(wanted, "metadata." + std::string(field));
  bool added = false;
  for (const auto& member : from->get_object()) {
    auto& into = json::ensureObject(metadata, field);
    added = into.emplace(member.key(), member.value()).second || added;
  }
  return added;
}

bool addMissingRules(json::Value& role, const json::Value& wanted) {
  auto missing = compactRights(uncoveredRights(readRules(role), readRules(wanted)));
  for (const auto& rule : missing) json::ensureArray(role.as_object(), "rules").push_back(renderRule(rule));
  return !missing.empty();
}

bool addMissingItems(json::Object& parent, std::string_view field, const json::Array& wanted) {
  bool added = false;
  for (const auto& item : wanted) {
    auto& items = json::ensureArray(parent, field);
    if (std::ranges::any_of(items, [&](const auto& each) { return json::equal(each, item); })) continue;
    items.push_back(item);
    added = true;
  }
  return added;
}

}  // namespace

std::vector<BootstrapObject> defaultRoles() {
  auto all = json::parseYaml(defaultRolesText());
  std::vector<BootstrapObject> objects;
  for (const auto& item : itemsOf(all, "clusterRoles")) {
    objects.push_back(objectOf("clusterroles", "ClusterRole", "", clusterRoleOf(all, item)));
  }
  for (const auto& item : itemsOf(all, "controllers")) addController(item, objects);
  for (const auto& item : itemsOf(all, "bindings")) {
    auto binding = bindingOf(item, "", "ClusterRole");
    objects.push_back(objectOf("clusterrolebindings", "ClusterRoleBinding", "", std::move(binding)));
  }
  for (const auto& item : itemsOf(all, "roles")) {
    auto ns = json::getString(item, "namespace");
    json::Object role{{"metadata", metadataOf(json::getString(item, "name"), ns)}, {"rules", itemsOf(item, "rules")}};
    objects.push_back(objectOf("roles", "Role", ns, std::move(role)));
  }
  for (const auto& item : itemsOf(all, "roleBindings")) {
    auto ns = json::getString(item, "namespace");
    objects.push_back(objectOf("rolebindings", "RoleBinding", ns, bindingOf(item, ns, "Role")));
  }
  return objects;
}

PolicyRules defaultNodeRules() {
  auto all = json::parseYaml(defaultRolesText());
  for (const auto& item : itemsOf(all, "clusterRoles")) {
    if (json::getString(item, "name") == "system:node") return readRules(item);
  }
  return {};
}

std::optional<json::Value> reconciledRole(const json::Value& stored, const json::Value& wanted) {
  const auto* annotations = json::find(stored, "metadata.annotations");
  if (annotations && annotations->is_object()) {
    const auto* update = annotations->get_object().if_contains(kAutoUpdate);
    if (update && *update == "false") return std::nullopt;
  }
  json::Value reconciled = stored;
  auto& object = reconciled.as_object();
  auto& metadata = json::ensureObject(object, "metadata");
  bool changed = addMissingMembers(metadata, "labels", wanted);
  changed = addMissingMembers(metadata, "annotations", wanted) || changed;
  const auto& selectors = itemsOf(wanted, "aggregationRule.clusterRoleSelectors");
  if (!selectors.empty()) {
    auto& rule = json::ensureObject(object, "aggregationRule");
    changed = addMissingItems(rule, "clusterRoleSelectors", selectors) || changed;
  } else {
    changed = addMissingRules(reconciled, wanted) || changed;
  }
  changed = addMissingItems(object, "subjects", itemsOf(wanted, "subjects")) || changed;
  if (!changed) return std::nullopt;
  return reconciled;
}

bool bindsAnotherRole(const json::Value& stored, const json::Value& wanted) {
  for (auto field : {"roleRef.kind", "roleRef.name"}) {
    if (json::getString(stored, field) != json::getString(wanted, field)) return true;
  }
  return false;
}

}  // namespace wherry::apiserver
