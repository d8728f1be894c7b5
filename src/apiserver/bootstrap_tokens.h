// Bootstrap tokens (docs: "Authenticating with Bootstrap Tokens"): "07401b.f395accd246ae52d" is the Secret
// bootstrap-token-07401b in kube-system, and who bears it is system:bootstrap:07401b. Pure; safe from any thread.
#pragma once

#include <optional>
#include <string_view>

#include "apiserver/admission/admission.h"
#include "base/clock.h"

namespace wherry::apiserver {

// Nothing when there is no such token, it has ended, or it is not meant for authentication.
std::optional<User> findBootstrapUser(const ObjectReader& objects, std::string_view token, base::WallTime now);

}  // namespace wherry::apiserver
