// Bootstrap tokens that have ended are deleted, at their end. A token whose end can't be read has ended.
#pragma once

#include <memory>
#include <optional>

#include "base/clock.h"
#include "controllers/controller.h"
#include "views/core_v1.h"

namespace wherry::controllers {

// When the Secret goes; nothing when it is no bootstrap token or has no end. Pure.
std::optional<base::WallTime> decideTokenEnd(const core_v1::Secret& secret);

std::unique_ptr<Controller> makeTokenCleaner(ControllerContext& context);

}  // namespace wherry::controllers
