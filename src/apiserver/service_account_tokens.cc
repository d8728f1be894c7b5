#include "apiserver/service_account_tokens.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/random.h"
#include "base/strings.h"
#include "meta/status.h"
#include "meta/time.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kLongestToken = 16 * 1024;  // bytes; far longer than any that is signed here
constexpr int64_t kDefaultSeconds = 3600;
constexpr int64_t kLeastSeconds = 600;
constexpr int64_t kMostSeconds = int64_t{1} << 32;
// What admission asks for on behalf of every pod; no one else would choose this number.
constexpr int64_t kInjectedSeconds = 3607;
constexpr int64_t kExtendedSeconds = 365 * 24 * 3600;
// An object that is being deleted may still use its token this long, to finish.
constexpr std::chrono::seconds kLeeway{60};

const meta::GroupResource kAccounts{"", "serviceaccounts"};

// What a token may be bound to, by the reference's kind.
struct Bindable {
  std::string_view kind;
  std::string_view claim;  // its name among the claims
  std::string_view resource;
};
constexpr std::array<Bindable, 3> kBindable = {
    {{"Pod", "pod", "pods"}, {"Secret", "secret", "secrets"}, {"Node", "node", "nodes"}}};

int64_t secondsOf(base::WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

json::Object referenceTo(const meta::Object& object) {
  return {{"name", object.metadata().name()}, {"uid", object.metadata().uid()}};
}

std::vector<std::string> textsAt(const json::Value& tree, std::string_view path) {
  std::vector<std::string> texts;
  const auto* list = json::find(tree, path);
  if (!list || !list->is_array()) return texts;
  for (const auto& item : list->get_array()) {
    if (item.is_string()) texts.emplace_back(item.get_string());
  }
  return texts;
}

int64_t lifeOf(const json::Value& request) {
  constexpr auto kField = "spec.expirationSeconds";
  auto seconds = json::getInt(request, kField, kDefaultSeconds);
  auto refuse = [&](std::string_view why) {
    throw meta::invalid({"authentication.k8s.io", "v1", "TokenRequest"}, "",
                        {meta::invalidField(kField, seconds, std::string(why))});
  };
  if (seconds < kLeastSeconds) refuse("may not specify a duration less than 10 minutes");
  if (seconds > kMostSeconds) refuse("may not specify a duration larger than 2^32 seconds");
  return seconds;
}

void requireUid(const json::Value& reference, const meta::Object& object, const meta::GroupResource& resource) {
  auto wanted = json::getString(reference, "uid");
  if (wanted.empty() || wanted == object.metadata().uid()) return;
  throw meta::conflict(resource, object.metadata().name(),
                       fmt::format("the UID in the bound object reference ({}) does not match the UID in record. The "
                                   "object might have been deleted and then recreated",
                                   wanted));
}

std::string credentialIdOf(const json::Value& claims) { return fmt::format("JTI={}", json::getString(claims, "jti")); }

// Upstream's words for a token that is used after the time that was asked for it.
std::string stalenessOf(const json::Value& claims, const json::Value& binding, int64_t now) {
  auto warnAfter = json::getInt(binding, "warnafter");
  if (warnAfter == 0 || now <= warnAfter) return {};
  return fmt::format("subject: {}, seconds after warning threshold: {}", json::getString(claims, "sub"),
                     now - warnAfter);
}

User userOf(const json::Value& claims, const json::Value& binding) {
  User user;
  user.name = json::getString(claims, "sub");
  user.uid = json::getString(binding, "serviceaccount.uid");
  user.groups = serviceAccountGroups(user.name);
  auto say = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) user.extra[fmt::format("authentication.kubernetes.io/{}", key)] = {std::string(value)};
  };
  say("credential-id", credentialIdOf(claims));
  for (auto claim : {"pod", "node"}) {
    for (auto field : {"name", "uid"}) {
      say(fmt::format("{}-{}", claim, field), json::getString(binding, fmt::format("{}.{}", claim, field)));
    }
  }
  return user;
}

}  // namespace

std::vector<std::string> serviceAccountGroups(std::string_view userName) {
  if (!userName.starts_with(kServiceAccountPrefix)) return {};
  auto rest = userName.substr(kServiceAccountPrefix.size());
  return {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", rest.substr(0, rest.find(':')))};
}

// What a token is tied to: the claims that say so, and whether it is a pod, or a Secret that holds the token for good.
struct ServiceAccountTokens::Binding {
  json::Object claims;
  bool pod = false;
  bool tokenSecret = false;
};

ServiceAccountTokens::ServiceAccountTokens(const std::vector<std::string>& keysPem, std::string issuer,
                                           const ObjectReader& objects, const base::Clock& clock, TokenLife life)
    : keys_(keysPem.begin(), keysPem.end()),
      issuer_(std::move(issuer)),
      objects_(objects),
      clock_(clock),
      life_(life) {}

// To the object that the request names; to nothing when it names none.
ServiceAccountTokens::Binding ServiceAccountTokens::bindingOf(std::string_view ns, std::string_view account,
                                                              const json::Value& request) const {
  Binding binding;
  const auto* reference = json::find(request, "spec.boundObjectRef");
  if (!reference || !reference->is_object()) return binding;
  auto kind = json::getString(*reference, "kind"), version = json::getString(*reference, "apiVersion");
  auto found = std::ranges::find(kBindable, kind, &Bindable::kind);
  if (found == kBindable.end() || version != "v1") {
    throw meta::badRequest(fmt::format("cannot bind token for serviceaccount \"{}\" to object of type {}, Kind={}",
                                       account, version, kind));
  }
  meta::GroupResource resource{"", std::string(found->resource)};
  auto name = json::getString(*reference, "name");
  auto object = objects_.find(resource, kind == "Node" ? "" : ns, name);
  if (!object) throw meta::notFound(resource, name);
  if (kind == "Pod" && json::getString(object->tree(), "spec.serviceAccountName") != account) {
    throw meta::badRequest(fmt::format(
        "cannot bind token for serviceaccount \"{}\" to pod running with different serviceaccount name.", account));
  }
  requireUid(*reference, *object, resource);
  binding.claims[found->claim] = referenceTo(*object);
  binding.pod = kind == "Pod";
  binding.tokenSecret = json::getString(object->tree(), "type") == "kubernetes.io/service-account-token";
  auto node = kind == "Pod" ? objects_.find({"", "nodes"}, "", json::getString(object->tree(), "spec.nodeName"))
                            : meta::ObjectPtr();
  if (node) binding.claims["node"] = referenceTo(*node);
  return binding;
}

ServiceAccountTokens::Answer ServiceAccountTokens::answer(std::string_view ns, std::string_view name,
                                                          json::Value request) const {
  auto account = objects_.find(kAccounts, ns, name);
  if (!account) throw meta::notFound(kAccounts, name);
  auto life = lifeOf(request);
  auto& spec = json::ensureObject(request.as_object(), "spec");
  auto audiences = textsAt(spec, "audiences");
  if (audiences.empty()) audiences = {issuer_};
  spec["audiences"] = json::Array(audiences.begin(), audiences.end());

  Answer answer;
  auto binding = bindingOf(ns, name, request);
  // A Secret's token is nowhere renewed: it ends with the Secret.
  if (auto longest = life_.longest.count(); longest > 0 && life > longest && !binding.tokenSecret) {
    answer.warnings.push_back(fmt::format("requested expiration of {} seconds shortened to {} seconds", life, longest));
    life = longest;
  }
  spec["expirationSeconds"] = life;
  auto now = clock_.now();
  auto end = secondsOf(now) + life;
  bool own = audiences == std::vector{issuer_};
  if (life_.extended && binding.pod && own && life == kInjectedSeconds) {
    binding.claims["warnafter"] = std::exchange(end, secondsOf(now) + kExtendedSeconds);
  }
  binding.claims["namespace"] = ns;
  binding.claims["serviceaccount"] = referenceTo(*account);
  json::Object claims{{"aud", spec["audiences"]}, {"exp", end},
                      {"iat", secondsOf(now)},    {"iss", issuer_},
                      {"jti", base::newUuid()},   {"kubernetes.io", std::move(binding.claims)},
                      {"nbf", secondsOf(now)},    {"sub", fmt::format("{}{}:{}", kServiceAccountPrefix, ns, name)}};
  answer.credentialId = credentialIdOf(claims);
  auto& answered = request.as_object();
  answered["metadata"] = json::Object{{"name", name}, {"namespace", ns}, {"creationTimestamp", meta::formatTime(now)}};
  answered["status"] = json::Object{{"token", keys_.front().sign(json::serialize(claims))},
                                    {"expirationTimestamp", meta::formatTime(now + std::chrono::seconds(life))}};
  answer.request = std::move(request);
  return answer;
}

bool ServiceAccountTokens::isAlive(const meta::GroupResource& resource, std::string_view ns,
                                   const json::Value& reference) const {
  auto object = objects_.find(resource, ns, json::getString(reference, "name"));
  if (!object || object->metadata().uid() != json::getString(reference, "uid")) return false;
  auto ending = meta::parseTime(json::getString(object->tree(), "metadata.deletionTimestamp"));
  return !ending || clock_.now() < *ending + kLeeway;
}

bool ServiceAccountTokens::isBoundToTheLiving(const json::Value& binding) const {
  auto ns = json::getString(binding, "namespace");
  const auto* account = json::find(binding, "serviceaccount");
  if (!account || !isAlive(kAccounts, ns, *account)) return false;
  bool nodeIsOfPod = json::find(binding, "pod") != nullptr;  // then it is only said, not bound to
  return std::ranges::all_of(kBindable, [&](const Bindable& each) {
    const auto* reference = json::find(binding, each.claim);
    if (!reference || (nodeIsOfPod && each.claim == "node")) return true;
    return isAlive({"", std::string(each.resource)}, each.claim == "node" ? "" : ns, *reference);
  });
}

json::Value ServiceAccountTokens::keySet() const {
  json::Array keys;
  for (const auto& key : keys_) keys.push_back(json::parse(key.renderJwk()));
  return json::Object{{"keys", std::move(keys)}};
}

std::optional<std::string> ServiceAccountTokens::signedClaims(std::string_view token) const {
  for (const auto& key : keys_) {
    if (auto claims = key.verify(token)) return claims;
  }
  return std::nullopt;
}

std::optional<ServiceAccountTokens::Verified> ServiceAccountTokens::verify(
    std::string_view token, const std::vector<std::string>& audiences) const {
  if (token.size() > kLongestToken) return std::nullopt;
  auto text = signedClaims(token);
  if (!text) return std::nullopt;
  auto claims = json::parse(*text);  // signed by us, so it is what answer() wrote
  auto now = secondsOf(clock_.now());
  if (json::getString(claims, "iss") != issuer_) return std::nullopt;
  if (now >= json::getInt(claims, "exp") || now < json::getInt(claims, "nbf")) return std::nullopt;
  Verified verified;
  auto meantFor = textsAt(claims, "aud");
  std::ranges::copy_if(audiences, std::back_inserter(verified.audiences), [&](const std::string& audience) {
    return std::ranges::find(meantFor, audience) != meantFor.end();
  });
  if (verified.audiences.empty()) return std::nullopt;
  const auto& all = claims.as_object();
  const auto* binding = all.if_contains("kubernetes.io");  // not a path: its name has a dot
  if (!binding || !isBoundToTheLiving(*binding)) return std::nullopt;
  verified.user = userOf(claims, *binding);
  verified.staleness = stalenessOf(claims, *binding, now);
  return verified;
}

}  // namespace wherry::apiserver
