#include "apiserver/bootstrap_tokens.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kIdSize = 6;
constexpr size_t kSecretSize = 16;
constexpr std::string_view kBootstrappers = "system:bootstrappers";
constexpr size_t kLongestGroup = 256;  // bytes after the prefix

bool isLower(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool looksLikeToken(std::string_view token) {
  if (token.size() != kIdSize + 1 + kSecretSize || token[kIdSize] != '.') return false;
  auto id = token.substr(0, kIdSize), secret = token.substr(kIdSize + 1);
  return std::ranges::all_of(id, isLower) && std::ranges::all_of(secret, isLower);
}

std::string dataOf(const meta::Object& secret, std::string_view name) {
  return base::decodeBase64(json::getString(secret.tree(), fmt::format("data.{}", name))).value_or("");
}

bool isOver(std::string_view expiration, base::WallTime now) {
  if (expiration.empty()) return false;
  auto end = meta::parseTime(expiration);
  return !end || now >= *end;
}

bool isBootstrapGroup(std::string_view group) {
  if (!group.starts_with("system:bootstrappers:")) return false;
  auto rest = group.substr(kBootstrappers.size() + 1);
  return !rest.empty() && rest.size() <= kLongestGroup && isLower(rest.back()) &&
         std::ranges::all_of(rest, [](char c) { return isLower(c) || c == ':' || c == '-'; });
}

// Nothing when one of them is none that a bootstrap token may give.
std::optional<std::vector<std::string>> groupsOf(const meta::Object& secret) {
  std::vector<std::string> groups{std::string(kBootstrappers)};
  const auto extra = dataOf(secret, "auth-extra-groups");
  if (extra.empty()) return groups;
  for (auto group : base::split(extra, ',')) {
    if (!isBootstrapGroup(group)) return std::nullopt;
    if (std::ranges::find(groups, group) == groups.end()) groups.emplace_back(group);
  }
  return groups;
}

}  // namespace

std::optional<User> findBootstrapUser(const ObjectReader& objects, std::string_view token, base::WallTime now) {
  if (!looksLikeToken(token)) return std::nullopt;
  auto id = token.substr(0, kIdSize), text = token.substr(kIdSize + 1);
  auto secret = objects.find({"", "secrets"}, "kube-system", fmt::format("bootstrap-token-{}", id));
  if (!secret || !json::getString(secret->tree(), "metadata.deletionTimestamp").empty()) return std::nullopt;
  if (json::getString(secret->tree(), "type") != "bootstrap.kubernetes.io/token") return std::nullopt;
  // As hashes, so that the time that it takes tells nothing about the secret.
  if (base::sha256(dataOf(*secret, "token-secret")) != base::sha256(text)) return std::nullopt;
  if (dataOf(*secret, "token-id") != id || isOver(dataOf(*secret, "expiration"), now)) return std::nullopt;
  if (dataOf(*secret, "usage-bootstrap-authentication") != "true") return std::nullopt;
  auto groups = groupsOf(*secret);
  if (!groups) return std::nullopt;
  return User{fmt::format("system:bootstrap:{}", id), std::move(*groups), ""};
}

}  // namespace wherry::apiserver
