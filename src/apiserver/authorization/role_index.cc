#include "apiserver/authorization/role_index.h"

#include <fmt/format.h>

namespace wherry::apiserver {
namespace {

constexpr size_t kMaxMissing = 10;  // that are named in a refusal

std::string userOf(const Subject& subject, const Binding& binding) {
  if (subject.kind != "ServiceAccount") return subject.name;
  return fmt::format("system:serviceaccount:{}:{}", subject.ns.empty() ? binding.ns : subject.ns, subject.name);
}

std::string describeSubject(const Subject& subject, const Binding& binding) {
  if (subject.kind != "ServiceAccount") return fmt::format("{} \"{}\"", subject.kind, subject.name);
  return fmt::format("ServiceAccount \"{}/{}\"", subject.name, subject.ns.empty() ? binding.ns : subject.ns);
}

std::string joinErrors(const std::vector<std::string>& errors) {
  if (errors.size() == 1) return errors.front();
  return fmt::format("[{}]", fmt::join(errors, ", "));
}

}  // namespace

Binding readBinding(const json::Value& binding) {
  auto text = [](const json::Value& from, std::string_view path) { return std::string(json::getString(from, path)); };
  Binding read{text(binding, "metadata.namespace"),
               text(binding, "metadata.name"),
               {text(binding, "roleRef.kind"), text(binding, "roleRef.name")},
               {}};
  const auto* subjects = json::find(binding, "subjects");
  if (!subjects || !subjects->is_array()) return read;
  for (const auto& subject : subjects->get_array()) {
    read.subjects.push_back({text(subject, "kind"), text(subject, "namespace"), text(subject, "name")});
  }
  return read;
}

RoleIndex::RoleIndex(const RoleObjects& objects) : roles_(objects.roles) {
  for (const auto& each : objects.bindings) add(each.second);
}

RulesPtr RoleIndex::findRules(const RoleRef& role, std::string_view ns) const {
  if (role.kind == "Role" && ns.empty()) return nullptr;
  auto found = roles_.find({role.kind == "Role" ? std::string(ns) : std::string(), role.name});
  return found == roles_.end() ? nullptr : found->second;
}

void RoleIndex::add(const BindingPtr& binding) {
  auto rules = findRules(binding->role, binding->ns);
  for (size_t i = 0; i < binding->subjects.size(); ++i) {
    const auto& subject = binding->subjects[i];
    auto& granted = (subject.kind == "Group" ? groups_ : users_)[userOf(subject, *binding)];
    auto& grants = binding->ns.empty() ? granted.everywhere : granted.inNamespace[binding->ns];
    grants.push_back({binding, i, rules});
  }
}

template <typename F>
bool RoleIndex::visit(const User& user, std::string_view ns, F&& take) const {
  auto offer = [&](const Grants& grants) {
    for (const auto& grant : grants) {
      if (take(grant)) return true;
    }
    return false;
  };
  // Of a user and their groups, those that anything is granted to: few, so they are found once.
  auto forEachGranted = [&](auto&& f) {
    if (auto found = users_.find(user.name); found != users_.end() && f(found->second)) return true;
    for (const auto& group : user.groups) {
      if (auto found = groups_.find(group); found != groups_.end() && f(found->second)) return true;
    }
    return false;
  };
  if (forEachGranted([&](const Granted& granted) { return offer(granted.everywhere); })) return true;
  if (ns.empty()) return false;
  return forEachGranted([&](const Granted& granted) {
    auto found = granted.inNamespace.find(ns);
    return found != granted.inNamespace.end() && offer(found->second);
  });
}

std::string RoleIndex::describe(const Grant& grant) {
  const auto& binding = *grant.binding;
  auto name = binding.ns.empty() ? binding.name : binding.name + "/" + binding.ns;
  return fmt::format("RBAC: allowed by {} \"{}\" of {} \"{}\" to {}",
                     binding.ns.empty() ? "ClusterRoleBinding" : "RoleBinding", name, binding.role.kind,
                     binding.role.name, describeSubject(binding.subjects[grant.subject], binding));
}

std::string RoleIndex::describeMissing(const Grant& grant) {
  const auto& role = grant.binding->role;
  return fmt::format("{}.rbac.authorization.k8s.io \"{}\" not found", role.kind == "Role" ? "role" : "clusterrole",
                     role.name);
}

Decision RoleIndex::decide(const User& user, const Attributes& attributes) const {
  const Grant* permits = nullptr;
  std::vector<std::string> missing;
  visit(user, attributes.ns, [&](const Grant& grant) {
    if (!grant.rules) {
      if (missing.size() < kMaxMissing) missing.push_back(describeMissing(grant));
      return false;
    }
    for (const auto& rule : *grant.rules) {
      if (!rule.permits(attributes)) continue;
      permits = &grant;
      return true;
    }
    return false;
  });
  if (permits) return {true, describe(*permits)};
  return {false, missing.empty() ? "" : "RBAC: " + joinErrors(missing)};
}

RoleIndex::Held RoleIndex::rulesOf(const User& user, std::string_view ns) const {
  Held held;
  visit(user, ns, [&](const Grant& grant) {
    if (grant.rules) {
      held.rules.insert(held.rules.end(), grant.rules->begin(), grant.rules->end());
    } else if (held.errors.size() < kMaxMissing) {
      held.errors.push_back(describeMissing(grant));
    }
    return false;
  });
  return held;
}

}  // namespace wherry::apiserver
