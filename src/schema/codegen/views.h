// Renders the typed views of schema/view.h. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "schema/kind.h"
#include "schema/loader.h"

namespace wherry::schema {

// A header's name ("core_v1") and its text.
using ViewHeaders = std::map<std::string, std::string>;

// One header for each folder of api/. `registry` was loaded from `files`.
ViewHeaders renderViews(const std::vector<ApiFile>& files, const Registry& registry);

}  // namespace wherry::schema
