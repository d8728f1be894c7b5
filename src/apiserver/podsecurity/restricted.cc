// Restricted: the hardening that is best practice today, at the price of some compatibility.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/podsecurity/checks.h"
#include "apiserver/podsecurity/setters.h"

namespace wherry::apiserver::podsecurity {
namespace {

using json::getString;

bool isSet(const json::Object& object, std::string_view path) {
  const json::Value* value = json::find(object, path);
  return value && !value->is_null();
}

bool contains(const json::Array& list, std::string_view text) {
  return std::any_of(list.begin(), list.end(), [&](const json::Value& value) { return textOf(value) == text; });
}

constexpr std::array<std::string_view, 8> kPlainVolumes = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"};

// What a volume is of: its only other member.
std::string typeOf(const json::Object& volume) {
  for (const auto& [key, value] : volume) {
    if (key != "name" && !value.is_null()) return std::string(key);
  }
  return "unknown";
}

}  // namespace

Result checkPrivilegeEscalation(const PodParts& pod) {
  auto names = containersWhere(pod, [](const json::Object& container) {
    return json::getBool(container, "securityContext.allowPrivilegeEscalation", true);
  });
  if (names.empty()) return std::nullopt;
  return Violation{"allowPrivilegeEscalation != false",
                   containersText(names) + " must set securityContext.allowPrivilegeEscalation=false"};
}

Result checkRestrictedCapabilities(const PodParts& pod) {
  std::set<std::string> added;
  auto keeping = containersWhere(pod, [](const json::Object& container) {
    return !contains(arrayAt(container, "securityContext.capabilities.drop"), "ALL");
  });
  auto adding = containersWhere(pod, [&](const json::Object& container) {
    bool bad = false;
    for (const json::Value& capability : arrayAt(container, "securityContext.capabilities.add")) {
      if (textOf(capability) == "NET_BIND_SERVICE") continue;
      added.emplace(textOf(capability));
      bad = true;
    }
    return bad;
  });
  std::vector<std::string> details;
  if (!keeping.empty()) {
    details.push_back(containersText(keeping) + " must set securityContext.capabilities.drop=[\"ALL\"]");
  }
  if (!adding.empty()) {
    details.push_back(fmt::format("{} must not include {} in securityContext.capabilities.add", containersText(adding),
                                  quoted(added)));
  }
  if (details.empty()) return std::nullopt;
  return Violation{"unrestricted capabilities", base::join(details, "; ")};
}

Result checkRestrictedVolumes(const PodParts& pod) {
  std::vector<std::string> names;
  std::set<std::string> types;
  for (const json::Value& volume : arrayAt(pod.spec, "volumes")) {
    if (!volume.is_object()) continue;
    std::string type = typeOf(volume.get_object());
    if (std::find(kPlainVolumes.begin(), kPlainVolumes.end(), type) != kPlainVolumes.end()) continue;
    names.emplace_back(getString(volume, "name"));
    types.insert(std::move(type));
  }
  if (names.empty()) return std::nullopt;
  return Violation{
      "restricted volume types",
      fmt::format("{} {} {} {} {}", plural("volume", "volumes", names.size()), quoted(names),
                  plural("uses", "use", names.size()),
                  plural("restricted volume type", "restricted volume types", types.size()), quoted(types))};
}

Result checkRunAsNonRoot(const PodParts& pod) {
  constexpr const char* kField = "runAsNonRoot";
  Setters setters =
      settersWhere(pod, [&](const json::Object& context) { return !json::getBool(context, kField, true); });
  if (!setters.empty()) {
    return Violation{"runAsNonRoot != true", setters.text() + " must not set securityContext.runAsNonRoot=false"};
  }
  if (json::getBool(pod.spec, "securityContext.runAsNonRoot")) return std::nullopt;
  auto silent = containersWhere(
      pod, [](const json::Object& container) { return !isSet(container, "securityContext.runAsNonRoot"); });
  if (silent.empty()) return std::nullopt;
  return Violation{"runAsNonRoot != true",
                   "pod or " + containersText(silent) + " must set securityContext.runAsNonRoot=true"};
}

Result checkRunAsUser(const PodParts& pod) {
  Setters setters =
      settersWhere(pod, [](const json::Object& context) { return json::getInt(context, "runAsUser", 1) == 0; });
  if (setters.empty()) return std::nullopt;
  return Violation{"runAsUser=0", setters.text() + " must not set runAsUser=0"};
}

Result checkRestrictedSeccomp(const PodParts& pod) {
  if (auto bad = checkBaselineSeccomp(pod)) return bad;
  if (isSet(pod.spec, "securityContext.seccompProfile")) return std::nullopt;
  auto silent = containersWhere(
      pod, [](const json::Object& container) { return !isSet(container, "securityContext.seccompProfile"); });
  if (silent.empty()) return std::nullopt;
  return Violation{"seccompProfile",
                   fmt::format("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or "
                               "\"Localhost\"",
                               containersText(silent))};
}

}  // namespace wherry::apiserver::podsecurity
