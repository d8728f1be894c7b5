// What EndpointSlices say by their labels. Pure.
#pragma once

#include <string>
#include <string_view>

#include "meta/object.h"

namespace wherry::meta {

inline constexpr std::string_view kServiceNameLabel = "kubernetes.io/service-name";

// "namespace/name" of the Service that an EndpointSlice belongs to; "" when it belongs to none.
std::string serviceKeyOf(const Object& endpointSlice);

}  // namespace wherry::meta
