// What a pod and its containers may ask of the node beside resources: namespaces, kernel settings, profiles, rights.
#include <algorithm>
#include <cctype>
#include <set>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"
#include "base/strings.h"

namespace wherry::apiserver {
namespace {

using json::getBool;
using json::getString;

constexpr size_t kMaxSysctlName = 253;
constexpr const char* kSysctlRule =
    "must have at most 253 characters and match regex "
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";

bool isSysctlName(std::string_view name) {
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() > kMaxSysctlName) return false;
  std::string dotted = base::replaceAll(name, "/", ".");
  for (std::string_view part : base::split(dotted, '.')) {
    if (part.empty() || !isLetter(part.front()) || !isLetter(part.back())) return false;
    if (!std::all_of(part.begin(), part.end(), [&](char c) { return isLetter(c) || c == '-' || c == '_'; }))
      return false;
  }
  return true;
}

void checkSysctls(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  std::set<std::string_view> names;
  forEachItem(arrayAt(spec, "securityContext.sysctls"), path + ".sysctls",
              [&](const json::Value& sysctl, const std::string& at) {
                std::string_view name = getString(sysctl, "name");
                if (name.empty()) return;  // the schema's matter
                if (!isSysctlName(name))
                  errors.push_back(meta::invalidField(at + ".name", json::Value(name), kSysctlRule));
                else if (!names.insert(name).second)
                  errors.push_back(meta::duplicateField(at + ".name", json::Value(name)));
              });
}

void checkSeccomp(const json::Object& context, const std::string& path, meta::FieldErrors& errors) {
  const json::Object& profile = objectAt(context, "seccompProfile");
  std::string at = path + ".seccompProfile.localhostProfile";
  std::string_view file = getString(profile, "localhostProfile");
  bool local = getString(profile, "type") == "Localhost";
  if (local && file.empty()) {
    errors.push_back(meta::requiredField(at, "must be set when seccomp type is Localhost"));
  } else if (local && file.starts_with('/')) {
    errors.push_back(meta::invalidField(at, json::Value(file), "must be a relative path"));
  } else if (local) {
    auto steps = base::split(file, '/');
    if (std::find(steps.begin(), steps.end(), "..") != steps.end())
      errors.push_back(meta::invalidField(at, json::Value(file), "must not contain '..'"));
  } else if (profile.contains("localhostProfile")) {
    errors.push_back(meta::invalidField(at, json::Value(file), "can only be set when seccomp type is Localhost"));
  }
}

void checkContainerContext(const json::Object& context, bool hostUsers, const std::string& at,
                           meta::FieldErrors& errors) {
  checkSeccomp(context, at, errors);
  if (hostUsers && getString(context, "procMount") == "Unmasked") {
    errors.push_back(
        meta::invalidField(at + ".procMount", json::Value("Unmasked"), "`hostUsers` must be false to use `Unmasked`"));
  }
  if (getBool(context, "allowPrivilegeEscalation", true)) return;
  if (getBool(context, "privileged")) {
    errors.push_back(
        meta::invalidField(at, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
  }
  const json::Array& added = arrayAt(context, "capabilities.add");
  if (std::find(added.begin(), added.end(), "CAP_SYS_ADMIN") != added.end()) {
    errors.push_back(meta::invalidField(
        at, context, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"));
  }
}

}  // namespace

void validatePodSecurity(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  bool hostUsers = getBool(spec, "hostUsers", true);
  std::string context = path + ".securityContext";
  if (getBool(spec, "shareProcessNamespace") && getBool(spec, "hostPID")) {
    errors.push_back(meta::invalidField(context + ".shareProcessNamespace", true,
                                        "ShareProcessNamespace and HostPID cannot both be enabled"));
  }
  for (const char* field : {"hostNetwork", "hostPID", "hostIPC"}) {
    if (hostUsers || !getBool(spec, field)) continue;
    errors.push_back(meta::forbiddenField(path + "." + field, "when `hostUsers` is false"));
  }
  checkSysctls(spec, context, errors);
  checkSeccomp(objectAt(spec, "securityContext"), context, errors);
  forEachContainer(spec, path, [&](const json::Object& container, const std::string& at) {
    checkContainerContext(objectAt(container, "securityContext"), hostUsers, at + ".securityContext", errors);
  });
}

}  // namespace wherry::apiserver
