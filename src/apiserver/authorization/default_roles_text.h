// default_roles.yaml, as the build embeds it.
#pragma once

#include <string_view>

namespace wherry::apiserver {

std::string_view defaultRolesText();

}  // namespace wherry::apiserver
