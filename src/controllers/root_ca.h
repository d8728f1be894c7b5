// The root CA publisher: ConfigMap kube-root-ca.crt in every namespace, by which pods verify the API server.
#pragma once

#include <optional>

#include "controllers/controller.h"
#include "json/value.h"
#include "meta/object.h"

namespace wherry::controllers {

std::unique_ptr<Controller> makeRootCaController(ControllerContext& context);

// The ConfigMap to write; nothing when `present` (null: missing) is right already. Pure.
std::optional<json::Value> decideRootCa(std::string_view ns, const meta::Object* present, std::string_view pem);

}  // namespace wherry::controllers
