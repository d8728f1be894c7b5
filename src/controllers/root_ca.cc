#include "controllers/root_ca.h"

#include "controllers/per_namespace.h"
#include "views/core_v1.h"

namespace wherry::controllers {

namespace {

constexpr std::string_view kName = "kube-root-ca.crt";
constexpr std::string_view kKey = "ca.crt";

}  // namespace

std::optional<json::Value> decideRootCa(std::string_view ns, const meta::Object* present, std::string_view pem) {
  json::Object data{{kKey, pem}};
  if (!present) {
    return json::Object{{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata", json::Object{{"name", kName}, {"namespace", ns}}},
                        {"data", std::move(data)}};
  }
  const auto* stored = json::find(present->tree(), "data");
  if (stored && json::equal(*stored, data)) return std::nullopt;
  json::Value draft = present->tree();
  draft.as_object()["data"] = std::move(data);
  return draft;
}

std::unique_ptr<Controller> makeRootCaController(ControllerContext& context) {
  return makePerNamespaceController(context, "root-ca-certificate-publisher-controller",
                                    core_v1::ConfigMap::kResource(), kName,
                                    [&context](std::string_view ns, const meta::Object* present) {
                                      return decideRootCa(ns, present, context.rootCaPem);
                                    });
}

}  // namespace wherry::controllers
