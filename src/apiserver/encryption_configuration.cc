#include "apiserver/encryption_configuration.h"

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apiserver/stored_form.h"
#include "apiserver/unreadable.h"
#include "base/encoding.h"
#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kRegistry = "/registry/";
constexpr size_t kMostKeys = 100;  // of a provider

struct Provider {
  std::string_view name;
  pki::Cipher cipher;
};
constexpr std::array<Provider, 3> kProviders = {{
    {"aesgcm", pki::Cipher::kAesGcm},
    {"aescbc", pki::Cipher::kAesCbc},
    {"secretbox", pki::Cipher::kSecretbox},
}};

[[noreturn]] void refuse(std::string_view field, std::string_view why) {
  throw std::runtime_error(fmt::format("{}: {}", field, why));
}

const json::Array& requireList(const json::Value& tree, std::string_view name, std::string_view where) {
  const auto* list = json::find(tree, name);
  std::string field = where.empty() ? std::string(name) : fmt::format("{}.{}", where, name);
  if (!list || !list->is_array() || list->get_array().empty()) refuse(field, "Required value: at least one is needed");
  return list->get_array();
}

EncryptionKey readKey(const json::Value& tree, const Provider& provider, const std::string& field) {
  auto name = json::getString(tree, "name");
  if (name.empty()) refuse(field + ".name", "Required value: key must have a name");
  if (name.find(':') != std::string_view::npos) refuse(field + ".name", "Invalid value: must not contain ':'");
  auto secret = base::decodeBase64(json::getString(tree, "secret"));
  if (!secret) refuse(field + ".secret", "Invalid value: \"REDACTED\": secret must be base64 encoded");
  if (secret->empty()) refuse(field + ".secret", "Required value: secret must not be empty");
  auto sizes = pki::keySizes(provider.cipher);
  if (std::ranges::find(sizes, secret->size()) == sizes.end()) {
    refuse(field + ".secret", fmt::format("Invalid value: \"REDACTED\": secret is not of the expected length, got {}, "
                                          "expected one of {}",
                                          secret->size(), sizes));
  }
  return {fmt::format("k8s:enc:{}:v1:{}:", provider.name, name), provider.cipher, std::move(*secret)};
}

void readKeys(const json::Value& tree, const Provider& provider, const std::string& field,
              std::vector<EncryptionKey>& into) {
  const auto& list = requireList(tree, "keys", field);
  if (list.size() > kMostKeys) refuse(field + ".keys", fmt::format("Too many: must have at most {} items", kMostKeys));
  std::set<std::string> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    auto key = readKey(list[i], provider, fmt::format("{}.keys[{}]", field, i));
    if (!seen.insert(key.prefix).second) {
      refuse(fmt::format("{}.keys[{}].name", field, i), "Duplicate value");
    }
    into.push_back(std::move(key));
  }
}

void readProvider(const json::Value& tree, const std::string& field, std::vector<EncryptionKey>& into) {
  if (!tree.is_object() || tree.get_object().size() != 1) {
    refuse(field,
           "Required value: provider does not contain exactly one of the expected providers: KMS, AESGCM, "
           "AESCBC, Secretbox, Identity");
  }
  const auto& [name, settings] = *tree.get_object().begin();
  if (name == "identity") {
    into.emplace_back();
    return;
  }
  if (name == "kms") {
    refuse(field + ".kms", "Forbidden: key management services are not supported; use aesgcm, aescbc or secretbox");
  }
  auto found = std::ranges::find(kProviders, std::string_view(name), &Provider::name);
  if (found == kProviders.end()) refuse(field, fmt::format("Unsupported value: \"{}\"", std::string_view(name)));
  readKeys(settings, *found, fmt::format("{}.{}", field, std::string_view(name)), into);
}

EncryptedResources readResources(const json::Value& tree, const std::string& field) {
  EncryptedResources out;
  for (const auto& name : requireList(tree, "resources", field)) {
    if (!name.is_string() || name.get_string().empty()) refuse(field + ".resources", "Invalid value: must be names");
    if (name.get_string() == "*") {
      refuse(field + ".resources",
             "Invalid value: \"*\": use '*.' to encrypt all the resources from core API group "
             "or *.* to encrypt all resources");
    }
    out.resources.emplace_back(name.get_string());
  }
  const auto& providers = requireList(tree, "providers", field);
  for (size_t i = 0; i < providers.size(); ++i) {
    readProvider(providers[i], fmt::format("{}.providers[{}]", field, i), out.keys);
  }
  return out;
}

bool covers(std::string_view pattern, std::string_view key) {
  if (pattern == "*.*") return true;
  auto dot = pattern.find('.');
  auto resource = pattern.substr(0, dot);
  auto group = dot == std::string_view::npos ? std::string_view() : pattern.substr(dot + 1);
  if (resource != "*") return key.starts_with(resourcePrefix({std::string(group), std::string(resource)}));
  auto rest = key.substr(kRegistry.size());
  auto first = rest.substr(0, rest.find('/'));
  // Groups have dots or stand in front of the resource: a core resource is followed by a namespace or a name alone.
  return group.empty() ? std::ranges::count(rest, '/') <= 2 && first.find('.') == std::string_view::npos
                       : first == group;
}

std::optional<std::string> unsealWith(const EncryptionKey& key, std::string_view about, std::string_view bytes) {
  if (key.prefix.empty() || !bytes.starts_with(key.prefix)) return std::nullopt;
  return pki::unseal(key.cipher, key.secret, bytes.substr(key.prefix.size()), about);
}

}  // namespace

EncryptionConfiguration parseEncryptionConfiguration(std::string_view yaml) {
  auto tree = json::parseYaml(yaml);
  if (json::getString(tree, "kind") != "EncryptionConfiguration" ||
      json::getString(tree, "apiVersion") != "apiserver.config.k8s.io/v1") {
    throw std::runtime_error("it is no EncryptionConfiguration of apiserver.config.k8s.io/v1");
  }
  EncryptionConfiguration configuration;
  const auto& list = requireList(tree, "resources", "");
  for (size_t i = 0; i < list.size(); ++i) {
    configuration.push_back(readResources(list[i], fmt::format("resources[{}]", i)));
  }
  return configuration;
}

const EncryptedResources* findEncryption(const EncryptionConfiguration& configuration, std::string_view key) {
  if (!key.starts_with(kRegistry)) return nullptr;
  for (const auto& each : configuration) {
    if (std::ranges::any_of(each.resources, [&](const auto& pattern) { return covers(pattern, key); })) return &each;
  }
  return nullptr;
}

storage::ValueTransformer makeTransformer(EncryptionConfiguration configuration) {
  auto shared = std::make_shared<const EncryptionConfiguration>(std::move(configuration));
  auto toDisk = [shared](std::string_view key, std::string_view bytes) {
    const auto* found = findEncryption(*shared, key);
    if (!found || found->keys.front().prefix.empty()) return std::string(bytes);
    const auto& writer = found->keys.front();
    return writer.prefix + pki::seal(writer.cipher, writer.secret, bytes, key);
  };
  auto fromDisk = [shared](std::string_view key, std::string_view bytes) -> std::optional<std::string> {
    if (isReadable(bytes)) return std::string(bytes);
    const auto* found = findEncryption(*shared, key);
    if (!found) return std::nullopt;
    for (const auto& each : found->keys) {
      if (auto plain = unsealWith(each, key, bytes)) return plain;
    }
    return std::nullopt;
  };
  return {toDisk, fromDisk, [](std::string_view bytes) { return !isReadable(bytes); }};
}

}  // namespace wherry::apiserver
