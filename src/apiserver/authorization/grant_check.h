// Nobody gives away more than they have: who writes a role must hold its rules, or may `escalate` it; who writes a
// binding must hold the rules of its role, or may `bind` it.
#pragma once

#include "apiserver/admission/admission.h"
#include "apiserver/backend.h"

namespace wherry::apiserver {

// Does nothing for other kinds. Throws Forbidden, and NotFound for a binding to a role that does not exist.
void requireMayGrant(const Backend& backend, const AdmissionRequest& request);

}  // namespace wherry::apiserver
