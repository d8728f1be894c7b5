#include "kubelet/images/registries.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/encoding.h"
#include "base/fd.h"
#include "base/strings.h"
#include "json/yaml.h"

namespace wherry::kubelet {
namespace {

constexpr const char* kEvery = "*";

// Registries on the machine itself are spoken to without TLS, as container engines do.
bool isLocal(std::string_view host) {
  size_t colon = host.rfind(':');
  std::string_view name = host.substr(0, colon);
  return name == "localhost" || name.starts_with("127.");
}

[[noreturn]] void fail(const std::string& where, std::string_view what) {
  throw std::runtime_error(fmt::format("{}: {}", where, what));
}

// The members of an object, which may be missing; others than these are refused: a misspelt key must not be silent.
void checkKeys(const std::string& where, const json::Value& value, std::initializer_list<std::string_view> known) {
  if (!value.is_object()) fail(where, "must be a mapping");
  for (const auto& [key, member] : value.get_object()) {
    if (std::find(known.begin(), known.end(), std::string_view(key)) == known.end()) {
      fail(where, fmt::format("unknown key \"{}\"", std::string_view(key)));
    }
  }
}

json::Object loginOf(const std::string& where, const json::Value& value) {
  checkKeys(where, value, {"username", "password", "auth", "identity_token"});
  json::Object login;
  std::string auth(json::getString(value, "auth"));
  std::string_view user = json::getString(value, "username");
  if (auth.empty() && !user.empty()) {
    auth = base::encodeBase64(fmt::format("{}:{}", user, json::getString(value, "password")));
  }
  std::string_view token = json::getString(value, "identity_token");
  if (auth.empty() && token.empty()) fail(where, "needs username and password, auth or identity_token");
  if (!auth.empty()) login["auth"] = auth;
  if (!token.empty()) login["identitytoken"] = token;
  return login;
}

RegistryTls tlsOf(const std::string& where, const json::Value& value) {
  checkKeys(where, value, {"ca_file", "cert_file", "key_file", "insecure_skip_verify"});
  return {.caFile = std::string(json::getString(value, "ca_file")),
          .certFile = std::string(json::getString(value, "cert_file")),
          .keyFile = std::string(json::getString(value, "key_file")),
          .insecure = json::getBool(value, "insecure_skip_verify")};
}

// "$1" and "${1}" are what other engines write for RE2's "\1".
std::string replacementOf(std::string_view text) {
  std::string out(text);
  RE2::GlobalReplace(&out, R"(\$\{?([0-9])\}?)", R"(\\\1)");
  return out;
}

}  // namespace

void Registries::readMirror(const std::string& registry, const json::Value& value) {
  std::string where = fmt::format("mirrors[\"{}\"]", registry);
  checkKeys(where, value, {"endpoint", "rewrite"});
  Mirror mirror;
  if (const json::Value* list = json::find(value, "endpoint")) {
    if (!list->is_array()) fail(where, "endpoint must be a list of URLs");
    for (const json::Value& url : list->get_array()) {
      if (!url.is_string() || url.get_string().empty()) fail(where, "endpoint must be a list of URLs");
      mirror.endpoints.emplace_back(url.get_string());
    }
  }
  if (const json::Value* rewrites = json::find(value, "rewrite")) {
    if (!rewrites->is_object()) fail(where, "rewrite must map patterns to names");
    for (const auto& [pattern, with] : rewrites->get_object()) {
      if (!with.is_string() || !RE2(std::string_view(pattern), RE2::Quiet).ok()) {
        fail(where, fmt::format("rewrite \"{}\" is not a pattern with a name", std::string_view(pattern)));
      }
      mirror.rewrites.emplace_back(pattern, replacementOf(with.get_string()));
    }
  }
  mirrors_[registry] = std::move(mirror);
}

void Registries::readConfig(const std::string& host, const json::Value& value) {
  std::string where = fmt::format("configs[\"{}\"]", host);
  checkKeys(where, value, {"auth", "tls"});
  Config config;
  if (const json::Value* auth = json::find(value, "auth")) config.login = loginOf(where + ".auth", *auth);
  if (const json::Value* tls = json::find(value, "tls")) config.tls = tlsOf(where + ".tls", *tls);
  configs_[host] = std::move(config);
}

Registries Registries::parse(std::string_view yaml) {
  Registries registries;
  if (base::trim(yaml).empty()) return registries;
  json::Value tree = json::parseYaml(yaml);
  if (tree.is_null()) return registries;
  checkKeys("the file", tree, {"mirrors", "configs"});
  for (const auto& [section, entries] : tree.get_object()) {
    if (entries.is_null()) continue;
    if (!entries.is_object()) fail(std::string(section), "must be a mapping");
    for (const auto& [name, value] : entries.get_object()) {
      if (section == "mirrors") {
        registries.readMirror(std::string(name), value);
      } else {
        registries.readConfig(std::string(name), value);
      }
    }
  }
  return registries;
}

Registries Registries::read(const std::string& path) {
  if (path.empty()) return {};
  auto text = base::readFileIfExists(path);
  if (!text) return {};
  try {
    return parse(*text);
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{}: {}", path, error.what()));
  }
}

void Registries::configure(RegistryEndpoint& endpoint) const {
  auto found = configs_.find(endpoint.host);
  if (found == configs_.end()) found = configs_.find(kEvery);
  bool insecure = endpoint.tls.insecure;
  if (found != configs_.end()) {
    endpoint.tls = found->second.tls;
    endpoint.login = found->second.login;
  }
  endpoint.tls.insecure = endpoint.tls.insecure || insecure;
}

// "https://mirror.example:5000/v2/cache": the path, without the protocol's own "/v2", comes before the repository.
RegistryEndpoint Registries::mirrorEndpoint(const std::string& url, const std::string& repository) const {
  constexpr std::string_view kHttp = "http://", kHttps = "https://", kVersion = "v2";
  std::string_view rest = url;
  bool plain = rest.starts_with(kHttp);
  if (plain) rest.remove_prefix(kHttp.size());
  if (rest.starts_with(kHttps)) rest.remove_prefix(kHttps.size());
  auto parts = base::splitOnce(rest, '/');
  std::vector<std::string> path;
  if (parts) {
    for (std::string_view part : base::split(parts->second, '/')) {
      if (!part.empty()) path.emplace_back(part);
    }
  }
  if (!path.empty() && path.front() == kVersion) path.erase(path.begin());
  path.push_back(repository);
  RegistryEndpoint endpoint{.host = std::string(parts ? parts->first : rest), .repository = base::join(path, "/")};
  endpoint.tls.insecure = plain;
  configure(endpoint);
  return endpoint;
}

std::vector<RegistryEndpoint> Registries::endpointsFor(const ImageReference& image) const {
  std::vector<RegistryEndpoint> endpoints;
  auto mirror = mirrors_.find(image.registry);
  if (mirror == mirrors_.end()) mirror = mirrors_.find(kEvery);
  if (mirror != mirrors_.end()) {
    std::string repository = image.repository;
    for (const auto& [pattern, with] : mirror->second.rewrites) {
      if (RE2::Replace(&repository, pattern, with)) break;
    }
    for (const std::string& url : mirror->second.endpoints) endpoints.push_back(mirrorEndpoint(url, repository));
  }
  RegistryEndpoint itself{.host = image.registry, .repository = image.repository};
  itself.tls.insecure = isLocal(image.registry);
  configure(itself);
  bool named = std::any_of(endpoints.begin(), endpoints.end(), [&](auto& e) { return e.name() == itself.name(); });
  if (!named) endpoints.push_back(std::move(itself));
  return endpoints;
}

std::string mergeLogins(const json::Object& podLogins, const RegistryEndpoint& endpoint) {
  json::Object merged = podLogins;
  if (!endpoint.login.empty()) merged.emplace(endpoint.host, endpoint.login);
  if (merged.empty()) return {};
  return json::serialize(json::Object{{"auths", std::move(merged)}});
}

}  // namespace wherry::kubelet
