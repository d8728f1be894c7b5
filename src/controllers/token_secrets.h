// Secrets of type kubernetes.io/service-account-token get what they are for: a token of the ServiceAccount that their
// annotation names, the namespace, and the cluster's authority. The token is bound to the Secret and ends with it; a
// Secret goes with its ServiceAccount.
#pragma once

#include <memory>
#include <string>

#include "controllers/controller.h"
#include "views/core_v1.h"

namespace wherry::controllers {

enum class TokenSecretStep { kNothing, kFill, kRemove };

// What happens to the Secret. `account` is its ServiceAccount, empty when there is none. Pure.
TokenSecretStep decideTokenSecret(const core_v1::Secret& secret, const core_v1::ServiceAccount& account);

std::unique_ptr<Controller> makeTokenSecretController(ControllerContext& context);

}  // namespace wherry::controllers
