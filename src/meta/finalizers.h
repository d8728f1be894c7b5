// metadata.finalizers. Pure.
#pragma once

#include <string_view>

#include "json/value.h"
#include "meta/object.h"

namespace wherry::meta {

// A merge patch that takes this finalizer away, bound to the version of `object` that it was made from.
json::Value withoutFinalizer(const Object& object, std::string_view finalizer);

}  // namespace wherry::meta
