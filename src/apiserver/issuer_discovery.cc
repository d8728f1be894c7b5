#include "apiserver/issuer_discovery.h"

#include <fmt/format.h>

#include "apiserver/service_account_tokens.h"

namespace wherry::apiserver {
namespace {

constexpr std::string_view kKeysPath = "/openid/v1/jwks";

net::Response document(const char* type, const json::Value& body) {
  auto response = net::Response::text(200, type, json::serialize(body));
  response.headers.set("Cache-Control", "public, max-age=3600");
  return response;
}

}  // namespace

std::optional<net::Response> issuerAnswer(const RequestInfo& info, const ServiceAccountTokens& tokens,
                                          const std::string& server) {
  if (info.path == kKeysPath) return document("application/jwk-set+json", tokens.keySet());
  if (info.path != "/.well-known/openid-configuration") return std::nullopt;
  return document("application/json", json::Object{{"issuer", tokens.issuer()},
                                                   {"jwks_uri", fmt::format("https://{}{}", server, kKeysPath)},
                                                   {"response_types_supported", json::Array{"id_token"}},
                                                   {"subject_types_supported", json::Array{"public"}},
                                                   {"id_token_signing_alg_values_supported", json::Array{"ES256"}}});
}

}  // namespace wherry::apiserver
