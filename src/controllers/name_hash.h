// The hash in the names of ReplicaSets and ControllerRevisions. Pure.
#pragma once

#include <string>
#include <string_view>

namespace wherry::controllers {

// Digits in an alphabet that spells no words, as upstream shows them: "66b6c48dd5".
std::string nameHash(std::string_view text);

}  // namespace wherry::controllers
