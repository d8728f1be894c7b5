#include "apiserver/reviews.h"

#include <algorithm>
#include <array>

#include "apiserver/authentication.h"
#include "apiserver/authorization/access_reviews.h"
#include "meta/status.h"

namespace wherry::apiserver {
namespace {

using Answer = json::Value (*)(const Backend&, std::string_view ns, const User&, json::Value review);

json::Array textList(const std::vector<std::string>& texts) {
  json::Array list;
  for (const auto& text : texts) list.emplace_back(text);
  return list;
}

json::Object renderUser(const User& user) {
  json::Object info{{"username", user.name}, {"groups", textList(user.groups)}};
  if (!user.uid.empty()) info["uid"] = user.uid;
  json::Object extra;
  for (const auto& [key, values] : user.extra) extra[key] = textList(values);
  if (!extra.empty()) info["extra"] = std::move(extra);
  return info;
}

json::Value reviewToken(const Backend& backend, std::string_view, const User&, json::Value review) {
  auto token = json::getString(review, "spec.token");
  if (token.empty()) throw meta::badRequest("token is required for TokenReview in authentication");
  std::vector<std::string> audiences;
  if (const auto* list = json::find(review, "spec.audiences"); list && list->is_array()) {
    for (const auto& audience : list->get_array()) {
      if (audience.is_string()) audiences.emplace_back(audience.get_string());
    }
  }
  auto bearer = backend.authenticator ? backend.authenticator->findBearer(token, std::move(audiences)) : std::nullopt;
  json::Object status{{"user", json::Object()}, {"error", "invalid bearer token"}};
  if (bearer) {
    status = {{"authenticated", true}, {"user", renderUser(*bearer->user)}, {"audiences", textList(bearer->audiences)}};
  }
  review.as_object()["status"] = std::move(status);
  return review;
}

json::Value reviewSelf(const Backend& backend, std::string_view, const User& user, json::Value review) {
  json::ensureObject(review.as_object(), "metadata")["creationTimestamp"] = backend.now();
  review.as_object()["status"] = json::Object{{"userInfo", renderUser(user)}};
  return review;
}

constexpr std::array<std::pair<std::string_view, Answer>, 6> kReviews = {{
    {"tokenreviews", reviewToken},
    {"selfsubjectreviews", reviewSelf},
    {"selfsubjectaccessreviews", reviewOwnAccess},
    {"subjectaccessreviews", reviewAccess},
    {"localsubjectaccessreviews", reviewAccess},
    {"selfsubjectrulesreviews", reviewOwnRules},
}};

}  // namespace

ServiceAccountTokens::Answer answerTokenRequest(const Backend& backend, std::string_view ns, std::string_view name,
                                                json::Value request) {
  if (!backend.tokens) throw meta::StatusError(501, "NotImplemented", "this server has no key to sign tokens with");
  auto own = json::getString(request, "metadata.name");
  if (!own.empty() && own != name) {
    throw meta::badRequest("name in URL does not match name in TokenRequest object: " + std::string(name) +
                           " != " + std::string(own));
  }
  return backend.tokens->answer(ns, name, std::move(request));
}

std::optional<json::Value> answerReview(const Backend& backend, const schema::Kind& kind, std::string_view ns,
                                        const User& user, const json::Value& review) {
  auto found = std::find_if(kReviews.begin(), kReviews.end(),
                            [&](const auto& each) { return each.first == kind.resource.resource; });
  if (found == kReviews.end()) return std::nullopt;
  if (!review.is_object()) throw meta::badRequest("the review is not an object");
  json::Value asked = json::Object{{"kind", kind.resource.kind}, {"apiVersion", kind.resource.apiVersion()}};
  const auto* metadata = json::find(review, "metadata");
  asked.as_object()["metadata"] = metadata && metadata->is_object() ? *metadata : json::Object();
  if (const auto* spec = json::find(review, "spec")) asked.as_object()["spec"] = *spec;
  return found->second(backend, ns, user, std::move(asked));
}

}  // namespace wherry::apiserver
