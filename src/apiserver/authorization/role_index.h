// All roles and bindings of a moment, found by whom they are for. Immutable: a change makes another one. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/authorization/attributes.h"
#include "apiserver/authorization/policy_rule.h"
#include "base/strings.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::apiserver {

struct RoleRef {
  std::string kind;  // "Role" or "ClusterRole"
  std::string name;
};

struct Subject {
  std::string kind;  // "User", "Group" or "ServiceAccount"
  std::string ns;    // of a ServiceAccount; "" is the binding's own
  std::string name;
};

struct Binding {
  std::string ns;  // "" for a ClusterRoleBinding
  std::string name;
  RoleRef role;
  std::vector<Subject> subjects;
};
Binding readBinding(const json::Value& binding);

using RulesPtr = std::shared_ptr<const PolicyRules>;
using BindingPtr = std::shared_ptr<const Binding>;

// What there is of RBAC; what has no namespace is a ClusterRole or ClusterRoleBinding.
struct RoleObjects {
  std::map<meta::ObjectKey, RulesPtr> roles;
  std::map<meta::ObjectKey, BindingPtr> bindings;
};

class RoleIndex {
 public:
  RoleIndex() = default;
  explicit RoleIndex(const RoleObjects& objects);

  // What permits the request, as the reason: a binding of the whole cluster, or one of the request's namespace. When
  // nothing does, the roles that were bound but are missing.
  Decision decide(const User& user, const Attributes& attributes) const;

  // All that a user may do in a namespace (with "": everywhere).
  struct Held {
    PolicyRules rules;
    std::vector<std::string> errors;  // roles that are missing
  };
  Held rulesOf(const User& user, std::string_view ns) const;

  // Null when there is no such role. `ns`: of the binding that refers to it.
  RulesPtr findRules(const RoleRef& role, std::string_view ns) const;

 private:
  struct Grant {
    BindingPtr binding;
    size_t subject;
    RulesPtr rules;  // null: the role is missing
  };
  using Grants = std::vector<Grant>;
  template <typename T>
  using ByName = std::unordered_map<std::string, T, base::StringHash, std::equal_to<>>;
  struct Granted {
    Grants everywhere;
    ByName<Grants> inNamespace;
  };

  void add(const BindingPtr& binding);
  // Offers the grants that count, until one is taken; whether one was.
  template <typename F>
  bool visit(const User& user, std::string_view ns, F&& take) const;
  static std::string describe(const Grant& grant);
  static std::string describeMissing(const Grant& grant);

  std::map<meta::ObjectKey, RulesPtr> roles_;
  ByName<Granted> users_;
  ByName<Granted> groups_;
};

}  // namespace wherry::apiserver
