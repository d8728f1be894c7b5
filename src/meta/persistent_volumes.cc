#include "meta/persistent_volumes.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace wherry::meta {

std::string claimNameOf(const Object& pod, const json::Object& volume) {
  const json::Value* claim = volume.if_contains("persistentVolumeClaim");
  if (claim) return std::string(json::getString(*claim, "claimName"));
  if (!volume.contains("ephemeral")) return {};
  const json::Value* name = volume.if_contains("name");
  return fmt::format("{}-{}", pod.metadata().name(),
                     name && name->is_string() ? std::string_view(name->get_string()) : "");
}

bool isMadeFor(const Object& claim, const Object& pod) {
  const json::Object* owner = claim.metadata().controllerRef();
  return owner && json::getString(*owner, "uid") == pod.metadata().uid();
}

std::string notMadeFor(const Object& claim, const Object& pod) {
  const auto own = claim.metadata(), wanted = pod.metadata();
  return fmt::format("PVC {}/{} was not created for pod {}/{} (pod is not owner)", own.ns(), own.name(), wanted.ns(),
                     wanted.name());
}

std::string attachmentName(std::string_view handle, std::string_view driver, std::string_view node) {
  return "csi-" + base::sha256Hex(fmt::format("{}{}{}", handle, driver, node));
}

std::string uniqueVolumeName(std::string_view driver, std::string_view handle) {
  return fmt::format("kubernetes.io/csi/{}^{}", driver, handle);
}

std::vector<std::string> claimNamesOf(const Object& pod) {
  std::vector<std::string> names;
  const auto* volumes = json::find(pod.tree(), "spec.volumes");
  if (!volumes || !volumes->is_array()) return names;
  for (const json::Value& volume : volumes->get_array()) {
    if (!volume.is_object()) continue;
    std::string name = claimNameOf(pod, volume.get_object());
    if (!name.empty()) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace wherry::meta
