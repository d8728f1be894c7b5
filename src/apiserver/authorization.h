// Whether a request is permitted, in Kubernetes' words. Members of system:masters (and the components of this process,
// which are such) may do everything; what others may, authorization/ says (authorization/access.h).
#pragma once

#include "apiserver/backend.h"
#include "apiserver/request_info.h"

namespace wherry::apiserver {

Decision authorizeMasters(const User& user, const Attributes& attributes);

Attributes attributesOf(const RequestInfo& info, std::string_view method);

// Both throw Forbidden in Kubernetes' words, or Unauthorized when nobody said who they are.
void requireAllowed(const Decision& decision, const User& user, const Attributes& attributes);
void requireAllowed(const Authorizer& authorizer, const User& user, const Attributes& attributes);

}  // namespace wherry::apiserver
