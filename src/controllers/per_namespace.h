// A controller that keeps one object of a fixed name in every namespace that is not being deleted: made when it is
// missing, made again when it is deleted, put right when it is changed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/gvk.h"
#include "meta/object.h"

namespace wherry::controllers {

// The object to create (`present` is null) or to update; nothing when all is well. Pure.
using DecideObject = std::function<std::optional<json::Value>(std::string_view ns, const meta::Object* present)>;

std::unique_ptr<Controller> makePerNamespaceController(ControllerContext& context, std::string name,
                                                       const meta::Resource& resource, std::string_view objectName,
                                                       DecideObject decide);

}  // namespace wherry::controllers
