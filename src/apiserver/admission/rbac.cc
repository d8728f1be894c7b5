// Roles and bindings: rules that can mean something, and subjects of a known kind (RBAC).
#include "apiserver/admission/fields.h"
#include "apiserver/admission/hooks.h"
#include "meta/names.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::string_view kGroup = "rbac.authorization.k8s.io";

bool lists(const json::Value& rule, const char* field) { return !arrayAt(rule, field).empty(); }

void checkRule(const json::Value& rule, const std::string& path, bool namespaced, meta::FieldErrors& errors) {
  if (const json::Value* urls = json::find(rule, "nonResourceURLs"); urls && lists(rule, "nonResourceURLs")) {
    const std::string field = path + ".nonResourceURLs";
    if (namespaced) {
      errors.push_back(meta::invalidField(field, *urls, "namespaced rules cannot apply to non-resource URLs"));
    }
    if (lists(rule, "apiGroups") || lists(rule, "resources") || lists(rule, "resourceNames")) {
      errors.push_back(
          meta::invalidField(field, *urls, "rules cannot apply to both regular resources and non-resource URLs"));
    }
    return;
  }
  if (!lists(rule, "apiGroups")) {
    errors.push_back(meta::requiredField(path + ".apiGroups", "resource rules must supply at least one api group"));
  }
  if (!lists(rule, "resources")) {
    errors.push_back(meta::requiredField(path + ".resources", "resource rules must supply at least one resource"));
  }
}

void checkRules(const AdmissionRequest& request, bool namespaced, meta::FieldErrors& errors) {
  forEachItem(arrayAt(request.object, "rules"), "rules",
              [&](const json::Value& rule, const std::string& path) { checkRule(rule, path, namespaced, errors); });
}

void checkRoleRef(const json::Value& binding, bool namespaced, meta::FieldErrors& errors) {
  std::string_view group = getString(binding, "roleRef.apiGroup"), kind = getString(binding, "roleRef.kind");
  std::string_view name = getString(binding, "roleRef.name");
  if (group != kGroup) {
    errors.push_back(meta::notSupportedField("roleRef.apiGroup", json::Value(group), {std::string(kGroup)}));
  }
  std::vector<std::string> kinds = {"ClusterRole"};
  if (namespaced) kinds.insert(kinds.begin(), "Role");
  bool known = kind == "ClusterRole" || (namespaced && kind == "Role");
  if (!known && !kind.empty()) errors.push_back(meta::notSupportedField("roleRef.kind", json::Value(kind), kinds));
  if (!name.empty()) addInvalid("roleRef.name", json::Value(name), meta::checkPathSegment(name), errors);
}

void checkGroup(const json::Value& subject, std::string_view wanted, const std::string& path,
                meta::FieldErrors& errors) {
  std::string_view group = getString(subject, "apiGroup");
  if (group == wanted) return;
  errors.push_back(meta::notSupportedField(path + ".apiGroup", json::Value(group), {std::string(wanted)}));
}

void checkSubject(const json::Value& subject, const std::string& path, bool namespaced, meta::FieldErrors& errors) {
  std::string_view kind = getString(subject, "kind"), name = getString(subject, "name");
  if (kind == "ServiceAccount") {
    if (!name.empty()) addInvalid(path + ".name", json::Value(name), meta::checkDns1123Subdomain(name), errors);
    checkGroup(subject, "", path, errors);
    if (!namespaced && getString(subject, "namespace").empty())
      errors.push_back(meta::requiredField(path + ".namespace"));
  } else if (kind == "User" || kind == "Group") {
    checkGroup(subject, kGroup, path, errors);
  } else if (!kind.empty()) {
    errors.push_back(meta::notSupportedField(path + ".kind", json::Value(kind), {"ServiceAccount", "User", "Group"}));
  }
}

void checkBinding(const AdmissionRequest& request, bool namespaced, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkRoleRef(request.object, namespaced, errors);
  forEachItem(
      arrayAt(request.object, "subjects"), "subjects",
      [&](const json::Value& subject, const std::string& path) { checkSubject(subject, path, namespaced, errors); });
}

}  // namespace

void validateRole(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (writesMain(request)) checkRules(request, true, errors);
}

void validateClusterRole(const AdmissionRequest& request, meta::FieldErrors& errors) {
  if (!writesMain(request)) return;
  checkRules(request, false, errors);
  if (json::find(request.object, "aggregationRule") &&
      arrayAt(request.object, "aggregationRule.clusterRoleSelectors").empty()) {
    errors.push_back(meta::requiredField("aggregationRule.clusterRoleSelectors",
                                         "at least one clusterRoleSelector required if aggregationRule is non-nil"));
  }
}

// Users and groups are of RBAC's own group when their subject does not say so.
void prepareRoleBinding(AdmissionRequest& request) {
  if (!writesMain(request)) return;
  json::Value* subjects = request.object.as_object().if_contains("subjects");
  if (!subjects || !subjects->is_array()) return;
  for (json::Value& subject : subjects->get_array()) {
    std::string_view kind = getString(subject, "kind");
    if (kind == "User" || kind == "Group") setDefault(subject.as_object(), "apiGroup", json::Value(kGroup));
  }
}

void validateRoleBinding(const AdmissionRequest& request, meta::FieldErrors& errors) {
  checkBinding(request, true, errors);
}

void validateClusterRoleBinding(const AdmissionRequest& request, meta::FieldErrors& errors) {
  checkBinding(request, false, errors);
}

}  // namespace wherry::apiserver
