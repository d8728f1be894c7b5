// The ServiceAccount controller: "default" in every namespace.
#pragma once

#include "controllers/controller.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeServiceAccountController(ControllerContext& context);

}  // namespace wherry::controllers
