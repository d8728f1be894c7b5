// Ephemeral containers (KEP-277): added to a running pod through a subresource of their own, for debugging. They have
// no guarantees, so that much of what other containers may say is refused.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "apiserver/admission/fields.h"
#include "apiserver/admission/pod_spec.h"

namespace wherry::apiserver {
namespace {

using json::getString;

constexpr std::array<std::string_view, 17> kAllowed = {
    "name",
    "image",
    "command",
    "args",
    "workingDir",
    "envFrom",
    "env",
    "volumeMounts",
    "volumeDevices",
    "terminationMessagePath",
    "stdin",
    "stdinOnce",
    "tty",
    "imagePullPolicy",
    "terminationMessagePolicy",
    "securityContext",
    "targetContainerName",
};

bool isEmpty(const json::Value& value) {
  if (value.is_object()) return value.get_object().empty();
  if (value.is_array()) return value.get_array().empty();
  return value.is_null() || (value.is_string() && value.get_string().empty());
}

void checkFields(const json::Object& container, const std::string& at, meta::FieldErrors& errors) {
  for (const auto& [key, value] : container) {
    bool allowed = std::find(kAllowed.begin(), kAllowed.end(), key) != kAllowed.end();
    if (allowed || isEmpty(value)) continue;
    errors.push_back(meta::forbiddenField(at + "." + std::string(key), "cannot be set for an Ephemeral Container"));
  }
  forEachItem(
      arrayAt(container, "volumeMounts"), at + ".volumeMounts",
      [&](const json::Value& mount, const std::string& mountAt) {
        for (const char* field : {"subPath", "subPathExpr"}) {
          if (getString(mount, field).empty()) continue;
          errors.push_back(meta::forbiddenField(mountAt + "." + field, "cannot be set for an Ephemeral Container"));
        }
      });
}

bool isTarget(const json::Object& spec, std::string_view name) {
  for (const char* list : {"containers", "initContainers"}) {
    const json::Array& containers = arrayAt(spec, list);
    if (std::any_of(containers.begin(), containers.end(),
                    [&](const json::Value& container) { return getString(container, "name") == name; }))
      return true;
  }
  return false;
}

}  // namespace

void validateEphemeralContainers(const json::Object& spec, const std::string& path, meta::FieldErrors& errors) {
  forEachItem(arrayAt(spec, "ephemeralContainers"), path + ".ephemeralContainers",
              [&](const json::Value& container, const std::string& at) {
                if (!container.is_object()) return;
                checkFields(container.get_object(), at, errors);
                std::string_view target = getString(container, "targetContainerName");
                if (target.empty() || isTarget(spec, target)) return;
                errors.push_back(meta::notFoundField(at + ".targetContainerName", json::Value(target)));
              });
}

// The order may change: patches do not keep it.
void validateEphemeralContainersUpdate(const json::Object& spec, const json::Object& old, meta::FieldErrors& errors) {
  const json::Array& now = arrayAt(spec, "ephemeralContainers");
  for (const json::Value& before : arrayAt(old, "ephemeralContainers")) {
    std::string_view name = getString(before, "name");
    auto at =
        std::find_if(now.begin(), now.end(), [&](const json::Value& each) { return getString(each, "name") == name; });
    if (at != now.end() && json::equal(*at, before)) continue;
    errors.push_back(meta::forbiddenField("spec.ephemeralContainers",
                                          fmt::format("existing ephemeral containers \"{}\" may not be {}", name,
                                                      at == now.end() ? "removed" : "changed")));
  }
}

}  // namespace wherry::apiserver
