// Deletes Jobs ttlSecondsAfterFinished after their end, and their pods before them.
#pragma once

#include <memory>
#include <optional>

#include "controllers/controller.h"
#include "views/batch_v1.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeTtlAfterFinishedController(ControllerContext& context);

// When it goes; nothing while it isn't finished, or when it stays. Pure.
std::optional<base::WallTime> expiresAt(const batch_v1::Job& job);

}  // namespace wherry::controllers
