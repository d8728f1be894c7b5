// What an authorizer is asked: Attributes (backend.h), and the part of them that narrows a list.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/backend.h"

namespace wherry::apiserver {

// The field selector of a list or watch; "" when there is none. It stands in `path`, of which a resource has none:
// only a node's requests are judged by it.
std::string_view fieldSelectorOf(const Attributes& attributes);
void setFieldSelector(Attributes& attributes, std::string_view selector);

}  // namespace wherry::apiserver
