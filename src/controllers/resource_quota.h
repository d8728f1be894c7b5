// The ResourceQuota controller: has quotas counted. The API server keeps status.used exact while it runs
// (docs/decisions/016-quota.md); what is left is to ask for a count when a quota is new or limits something else, and
// once at the start, since the process may have died between a charge and the write that it was for.
#pragma once

#include <optional>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeResourceQuotaController(ControllerContext& context);

// The merge patch of the status that asks for a count; nothing when the quota's status is about all that it limits.
// Pure.
std::optional<json::Value> decideCount(const meta::Object& quota);

}  // namespace wherry::controllers
