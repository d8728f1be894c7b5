// Acting as somebody else: kubectl --as, --as-group, --as-uid. Whoever may `impersonate` each part of an identity may
// take it.
#pragma once

#include "apiserver/authorization/attributes.h"
#include "apiserver/written.h"
#include "net/http.h"

namespace wherry::apiserver {

// The user that the request's Impersonate- headers name; `requester` when there are none. Throws Forbidden.
UserPtr impersonatedUser(const net::Request& request, const UserPtr& requester, const Authorizer& authorizer);

}  // namespace wherry::apiserver
