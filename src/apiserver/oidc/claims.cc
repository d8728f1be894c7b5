#include "apiserver/oidc/claims.h"

#include <algorithm>

#include "base/strings.h"
#include "json/value.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kDeepestClaims = 32;
constexpr std::chrono::minutes kClockSkew{1};  // between the issuer and us, as upstream forgives for nbf

std::optional<json::Object> parseClaims(std::string_view text) {
  try {
    auto claims = json::parse(text, {.maxDepth = kDeepestClaims});
    return claims.is_object() ? std::optional(std::move(claims.get_object())) : std::nullopt;
  } catch (const json::ParseError&) {
    return std::nullopt;
  }
}

// A claim's name may have dots in it ("https://example.com/groups"): it is no path.
std::optional<std::string> textOf(const json::Object& claims, std::string_view name) {
  const auto* value = claims.if_contains(name);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

// A list of texts, or one text alone; nothing when it is anything else.
std::optional<std::vector<std::string>> textsOf(const json::Value& value) {
  if (value.is_string()) return std::vector<std::string>{std::string(value.get_string())};
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return std::nullopt;
    texts.emplace_back(item.get_string());
  }
  return texts;
}

bool isFrom(const OidcOptions& options, const json::Object& claims) {
  auto issuer = textOf(claims, "iss");
  // Google has two names for itself (OpenID Connect Core 1.0 section 15.6.2).
  if (issuer == "accounts.google.com") issuer = "https://accounts.google.com";
  return issuer == options.issuerUrl;
}

bool isFor(const OidcOptions& options, const json::Object& claims) {
  const auto* audience = claims.if_contains("aud");
  auto audiences = audience ? textsOf(*audience) : std::nullopt;
  return audiences && std::ranges::find(*audiences, options.clientId) != audiences->end();
}

bool isInTime(const json::Object& claims, base::WallTime now) {
  auto secondsOf = [&](std::string_view name) -> std::optional<double> {
    const auto* value = claims.if_contains(name);
    if (!value || !value->is_number()) return std::nullopt;
    return value->to_number<double>();
  };
  const double seconds = std::chrono::duration<double>(now.time_since_epoch()).count();
  const double skew = std::chrono::duration<double>(kClockSkew).count();
  auto end = secondsOf("exp"), start = secondsOf("nbf");
  if (claims.contains("nbf") && !start) return false;
  return end && seconds < *end && (!start || *start <= seconds + skew);
}

bool hasRequired(const OidcOptions& options, const json::Object& claims) {
  return std::ranges::all_of(options.requiredClaims, [&](const auto& required) {
    auto pair = base::splitOnce(required, '=');
    return pair && textOf(claims, pair->first) == pair->second;
  });
}

std::string prefixOf(const OidcOptions& options) {
  if (options.usernamePrefix == "-") return "";
  if (!options.usernamePrefix.empty()) return options.usernamePrefix;
  return options.usernameClaim == "email" ? "" : options.issuerUrl + "#";
}

// An address that says that it was not verified is nobody's; one that does not say is taken.
bool isUnverifiedMail(const OidcOptions& options, const json::Object& claims) {
  const auto* verified = options.usernameClaim == "email" ? claims.if_contains("email_verified") : nullptr;
  return verified && !(verified->is_bool() && verified->get_bool());
}

std::optional<std::string> nameOf(const OidcOptions& options, const json::Object& claims) {
  auto name = textOf(claims, options.usernameClaim);
  if (!name || name->empty() || isUnverifiedMail(options, claims)) return std::nullopt;
  return prefixOf(options) + *name;
}

// Nothing when the claim is there and no list of groups.
std::optional<std::vector<std::string>> groupsOf(const OidcOptions& options, const json::Object& claims) {
  const auto* claim = options.groupsClaim.empty() ? nullptr : claims.if_contains(options.groupsClaim);
  if (!claim || claim->is_null()) return std::vector<std::string>();
  auto groups = textsOf(*claim);
  if (!groups) return std::nullopt;
  for (auto& group : *groups) group = options.groupsPrefix + group;
  return groups;
}

}  // namespace

std::optional<User> userOfClaims(const OidcOptions& options, std::string_view text, base::WallTime now) {
  auto claims = parseClaims(text);
  if (!claims || !isFrom(options, *claims) || !isFor(options, *claims)) return std::nullopt;
  if (!isInTime(*claims, now) || !hasRequired(options, *claims)) return std::nullopt;
  auto name = nameOf(options, *claims);
  auto groups = groupsOf(options, *claims);
  if (!name || !groups) return std::nullopt;
  return User{std::move(*name), std::move(*groups), ""};
}

}  // namespace wherry::apiserver
