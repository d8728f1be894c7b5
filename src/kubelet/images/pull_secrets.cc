#include "kubelet/images/pull_secrets.h"

#include "base/encoding.h"
#include "json/value.h"
#include "views/core_v1.h"

namespace wherry::kubelet {
namespace {

// {"registry": {"auth": ...}}; empty for a Secret that holds none.
json::Object authsOf(const core_v1::Secret& secret) {
  bool config = secret.type() == "kubernetes.io/dockerconfigjson";
  auto text = base::decodeBase64(secret.data().get(config ? ".dockerconfigjson" : ".dockercfg"));
  if (!text || text->empty()) return {};
  try {
    json::Value tree = json::parse(*text);
    const json::Value* auths = config ? json::find(tree, "auths") : &tree;
    return auths && auths->is_object() ? auths->get_object() : json::Object();
  } catch (const json::ParseError&) {
    return {};  // the pull is tried without, and says what the registry thinks of that
  }
}

}  // namespace

std::string mergePullSecrets(const std::vector<meta::ObjectPtr>& secrets) {
  json::Object merged;
  for (const meta::ObjectPtr& object : secrets) {
    for (const auto& [registry, credentials] : authsOf(core_v1::Secret(object))) merged.emplace(registry, credentials);
  }
  if (merged.empty()) return {};
  return json::serialize(json::Object{{"auths", std::move(merged)}});
}

}  // namespace wherry::kubelet
