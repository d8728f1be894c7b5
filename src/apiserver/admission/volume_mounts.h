// What a container may say of the volumes that it mounts, beyond the schema. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "json/value.h"
#include "meta/status.h"

namespace wherry::apiserver {

// `path` leads to the container, `volumes` has the names of its pod's.
void checkVolumeMounts(const json::Object& container, const std::string& path,
                       const std::set<std::string_view>& volumes, meta::FieldErrors& errors);

}  // namespace wherry::apiserver
