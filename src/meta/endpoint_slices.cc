#include "meta/endpoint_slices.h"

namespace wherry::meta {

std::string serviceKeyOf(const Object& endpointSlice) {
  const std::string_view service = endpointSlice.metadata().label(kServiceNameLabel);
  return service.empty() ? "" : ObjectKey{std::string(endpointSlice.metadata().ns()), std::string(service)}.text();
}

}  // namespace wherry::meta
