#include "meta/persistent_volumes.h"

namespace wherry::meta {

std::vector<std::string> claimNamesOf(const Object& pod) {
  std::vector<std::string> names;
  const auto* volumes = json::find(pod.tree(), "spec.volumes");
  if (!volumes || !volumes->is_array()) return names;
  for (const json::Value& volume : volumes->get_array()) {
    const auto claim = json::getString(volume, "persistentVolumeClaim.claimName");
    if (!claim.empty()) names.emplace_back(claim);
    if (json::find(volume, "ephemeral")) {
      names.push_back(std::string(pod.metadata().name()) + "-" + std::string(json::getString(volume, "name")));
    }
  }
  return names;
}

}  // namespace wherry::meta
