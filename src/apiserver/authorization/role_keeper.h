// Sees to it, at the start, that the default roles and bindings are there and have what they should have.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/written.h"

namespace wherry::apiserver {

// All writes go out together and are committed as one group; blocks until they are durable. Writes nothing when nothing
// is missing; what a user's objects prevent is logged. Throws StatusError when the store can't be written.
void ensureDefaultRoles(Backend& backend, const UserPtr& user);

}  // namespace wherry::apiserver
