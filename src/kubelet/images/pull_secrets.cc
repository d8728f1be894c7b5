#include "kubelet/images/pull_secrets.h"

#include <algorithm>

#include "base/encoding.h"
#include "views/core_v1.h"

namespace wherry::kubelet {
namespace {

// A login may be spelled as user name and password; an auth.json wants both in one.
json::Object normalised(const json::Object& auths) {
  json::Object out;
  for (const auto& [registry, login] : auths) {
    if (!login.is_object()) continue;
    json::Object entry = login.get_object();
    std::string_view user = json::getString(login, "username");
    if (!entry.contains("auth") && !user.empty()) {
      entry["auth"] = base::encodeBase64(std::string(user) + ":" + std::string(json::getString(login, "password")));
    }
    out.emplace(registry, std::move(entry));
  }
  return out;
}

// {"registry": {"auth": ...}}; empty for a Secret that holds none.
json::Object authsOf(const core_v1::Secret& secret) {
  bool config = secret.type() == "kubernetes.io/dockerconfigjson";
  auto text = base::decodeBase64(secret.data().get(config ? ".dockerconfigjson" : ".dockercfg"));
  if (!text || text->empty()) return {};
  try {
    json::Value tree = json::parse(*text);
    const json::Value* auths = config ? json::find(tree, "auths") : &tree;
    return auths && auths->is_object() ? normalised(auths->get_object()) : json::Object();
  } catch (const json::ParseError&) {
    return {};  // the pull is tried without, and says what the registry thinks of that
  }
}

std::string hostOf(std::string_view key) {
  for (std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  std::string_view host = key.substr(0, key.find('/'));
  return std::string(host == "index.docker.io" || host == "registry-1.docker.io" ? "docker.io" : host);
}

}  // namespace

json::Object mergePullSecrets(const std::vector<meta::ObjectPtr>& secrets) {
  json::Object merged;
  for (const meta::ObjectPtr& object : secrets) {
    for (const auto& [registry, credentials] : authsOf(core_v1::Secret(object))) merged.emplace(registry, credentials);
  }
  return merged;
}

json::Object loginsFor(const std::vector<std::string>& hosts, const json::Object& logins) {
  json::Object out;
  for (const auto& [key, login] : logins) {
    if (std::find(hosts.begin(), hosts.end(), hostOf(key)) != hosts.end()) out.emplace(key, login);
  }
  return out;
}

}  // namespace wherry::kubelet
