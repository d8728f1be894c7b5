// The files of api/ as the build put them into the program, checked.
#pragma once

#include <string_view>

namespace wherry::schema {

// {"apps/v1/deployment.yaml": {...}, ...} as JSON: each file's path below api/ and its tree.
std::string_view embeddedApi();

}  // namespace wherry::schema
