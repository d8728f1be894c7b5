#include "controllers/ownership.h"

namespace wherry::controllers {

Claims decideClaims(const meta::Object& owner, const meta::LabelSelector& selector,
                    const std::vector<meta::ObjectPtr>& candidates) {
  Claims claims;
  const auto ownerMetadata = owner.metadata();
  for (const auto& candidate : candidates) {
    const auto metadata = candidate->metadata();
    const auto uid = controllerUid(*candidate);
    const bool matches = selector.matches(metadata.labels());
    if (uid == ownerMetadata.uid()) {
      if (matches || ownerMetadata.deleting()) {
        claims.owned.push_back(candidate);
      } else {
        claims.toRelease.push_back(candidate);
      }
    } else if (uid.empty() && matches && !ownerMetadata.deleting() && !metadata.deleting()) {
      claims.toAdopt.push_back(candidate);
    }
  }
  return claims;
}

json::Value adoptionPatch(const meta::Object& owner, const meta::Object& adopted) {
  return json::Object{{"metadata", json::Object{{"ownerReferences", json::Array{meta::controllerReference(owner)}},
                                                {"uid", adopted.metadata().uid()}}}};
}

json::Value releasePatch(std::string_view ownerUid, const meta::Object& released) {
  return json::Object{
      {"metadata", json::Object{{"ownerReferences", json::Array{json::Object{{"$patch", "delete"}, {"uid", ownerUid}}}},
                                {"uid", released.metadata().uid()}}}};
}

std::string_view controllerUid(const meta::Object& object) {
  const auto* controller = object.metadata().controllerRef();
  return controller ? json::getString(*controller, "uid") : std::string_view();
}

std::vector<std::string> controllerIndex(const meta::Object& object) {
  const auto uid = controllerUid(object);
  if (uid.empty()) return {};
  return {std::string(uid)};
}

std::vector<std::string> orphanIndex(const meta::Object& object) {
  if (!controllerUid(object).empty()) return {};
  return {std::string(object.metadata().ns())};
}

}  // namespace wherry::controllers
