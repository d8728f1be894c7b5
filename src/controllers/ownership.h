// Who controls what: a controller's selector and metadata.ownerReferences together. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "meta/object.h"
#include "meta/selector.h"

namespace wherry::controllers {

struct Claims {
  std::vector<meta::ObjectPtr> owned;
  std::vector<meta::ObjectPtr> toAdopt;    // they match and have no controller
  std::vector<meta::ObjectPtr> toRelease;  // ours by reference, but they no longer match
};

// An owner that is being deleted neither adopts nor releases; objects being deleted are not adopted.
Claims decideClaims(const meta::Object& owner, const meta::LabelSelector& selector,
                    const std::vector<meta::ObjectPtr>& candidates);

// Strategic merge patches, both bound to the object's uid.
json::Value adoptionPatch(const meta::Object& owner, const meta::Object& adopted);
json::Value releasePatch(std::string_view ownerUid, const meta::Object& released);

std::string_view controllerUid(const meta::Object& object);  // "" when there is no controller
// For Informer::addIndex: finds objects by controllerUid.
inline constexpr std::string_view kByController = "controller";
std::vector<std::string> controllerIndex(const meta::Object& object);
// ... and those without a controller by their namespace, for adoption.
inline constexpr std::string_view kOrphans = "orphans";
std::vector<std::string> orphanIndex(const meta::Object& object);

}  // namespace wherry::controllers
