#include "client/kubeconfig.h"

#include <filesystem>
#include <stdexcept>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::client {
namespace {

// The `member` ("cluster") of the entry of `list` ("clusters") that has this name.
const json::Value& getEntry(const json::Value& config, std::string_view list, std::string_view member,
                            std::string_view name) {
  const json::Value* entries = json::find(config, list);
  if (entries != nullptr && entries->is_array()) {
    for (const json::Value& entry : entries->get_array()) {
      const json::Value* found = json::find(entry, member);
      if (json::getString(entry, "name") == name && found != nullptr && found->is_object()) return *found;
    }
  }
  throw std::runtime_error(fmt::format("{} \"{}\" is not there", member, name));
}

// The member `key`-data, decoded, or the file that `key` names; empty when there is neither.
std::string readMaterial(const json::Value& entry, const std::string& key, const std::string& directory) {
  std::string_view data = json::getString(entry, key + "-data");
  if (!data.empty()) {
    auto decoded = base::decodeBase64(data);
    if (!decoded) throw std::runtime_error(key + "-data is not base64");
    return std::move(*decoded);
  }
  std::string_view file = json::getString(entry, key);
  return file.empty() ? "" : base::readFile(std::filesystem::path(directory) / file);
}

void readCluster(const json::Value& cluster, const std::string& directory, Kubeconfig& result) {
  result.server = json::getString(cluster, "server");
  if (result.server.empty()) throw std::runtime_error("the cluster has no server");
  result.authorityPem = readMaterial(cluster, "certificate-authority", directory);
  result.insecure = json::getBool(cluster, "insecure-skip-tls-verify");
  if (result.insecure) result.authorityPem.clear();
  if (result.authorityPem.empty() && !result.insecure && result.server.starts_with("https:")) {
    throw std::runtime_error("the cluster has no certificate-authority");
  }
}

void readUser(const json::Value& user, const std::string& directory, Kubeconfig& result) {
  for (const char* plugin : {"exec", "auth-provider"}) {
    if (json::find(user, plugin) != nullptr) throw std::runtime_error(std::string(plugin) + " is not supported");
  }
  result.certificatePem = readMaterial(user, "client-certificate", directory);
  result.keyPem = readMaterial(user, "client-key", directory);
  result.token = json::getString(user, "token");
  std::string_view tokenFile = json::getString(user, "tokenFile");
  if (!tokenFile.empty()) result.token = base::trim(base::readFile(std::filesystem::path(directory) / tokenFile));
}

}  // namespace

Kubeconfig parseKubeconfig(std::string_view text, const std::string& directory) {
  json::Value config = json::parseYaml(text);
  std::string_view current = json::getString(config, "current-context");
  if (current.empty()) throw std::runtime_error("there is no current-context");
  const json::Value& context = getEntry(config, "contexts", "context", current);
  Kubeconfig result;
  readCluster(getEntry(config, "clusters", "cluster", json::getString(context, "cluster")), directory, result);
  readUser(getEntry(config, "users", "user", json::getString(context, "user")), directory, result);
  result.ns = json::getString(context, "namespace", "default");
  return result;
}

Kubeconfig loadKubeconfig(const std::string& path) {
  try {
    return parseKubeconfig(base::readFile(path), std::filesystem::path(path).parent_path());
  } catch (const std::exception& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
}

}  // namespace wherry::client
