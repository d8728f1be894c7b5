// Every namespace has a ServiceAccount "default": the identity of pods that name no other.
#include "controllers/service_account.h"

#include "controllers/per_namespace.h"
#include "views/core_v1.h"

namespace wherry::controllers {

namespace {

json::Value defaultServiceAccount(std::string_view ns) {
  return json::Object{{"apiVersion", "v1"},
                      {"kind", "ServiceAccount"},
                      {"metadata", json::Object{{"name", "default"}, {"namespace", ns}}}};
}

}  // namespace

std::unique_ptr<Controller> makeServiceAccountController(ControllerContext& context) {
  return makePerNamespaceController(context, "serviceaccount-controller", core_v1::ServiceAccount::kResource(),
                                    "default",
                                    [](std::string_view ns, const meta::Object* present) -> std::optional<json::Value> {
                                      if (present) return std::nullopt;
                                      return defaultServiceAccount(ns);
                                    });
}

}  // namespace wherry::controllers
