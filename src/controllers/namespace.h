// The Namespace controller: empties a namespace that is being deleted, pods first (KEP-5080), then lets it go.
#pragma once

#include <string>
#include <vector>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/gvk.h"
#include "meta/object.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeNamespaceController(ControllerContext& context);

// What is still there of one resource in the namespace.
struct RemainingContent {
  meta::GroupResource resource;
  std::vector<meta::ObjectPtr> objects;
};

// The conditions of a namespace that can't go yet, upon the ones it has. Pure.
json::Array decideNamespaceConditions(const json::Array& current, const std::vector<RemainingContent>& remaining,
                                      std::string_view now);

}  // namespace wherry::controllers
