#include "apiserver/oidc/issuer_document.h"

#include <stdexcept>

#include <fmt/format.h>

#include "json/value.h"
#include "net/http_client.h"

namespace wherry::apiserver {
namespace {

constexpr size_t kLongestDocument = 1 << 20;  // bytes
constexpr size_t kDeepestDocument = 32;
constexpr std::string_view kScheme = "https://";

struct Place {
  std::string server, path;  // "https://host:port" and "/path?query"
};

Place placeOf(const std::string& url) {
  if (!url.starts_with(kScheme)) throw std::runtime_error(fmt::format("\"{}\" is no https URL", url));
  auto end = std::min(url.find_first_of("/?", kScheme.size()), url.size());
  Place place{url.substr(0, end), url.substr(end)};
  if (!place.path.starts_with('/')) place.path.insert(0, "/");
  return place;
}

std::string fetch(const OidcOptions& options, const Place& place, const std::stop_token& stop) {
  auto client = net::newHttpClient({.url = place.server, .caPem = options.caPem});
  net::Request request;
  request.method = "GET";
  request.path = place.path;
  request.headers.add("Accept", "application/json");
  int status = 0;
  std::string body;
  client->stream(
      request, stop,
      [&](const net::ClientResponse& answer) {
        status = answer.status;
        return status == 200;
      },
      [&](std::string_view piece) {
        body.append(piece);
        return body.size() <= kLongestDocument;
      });
  const std::string name = place.server + place.path;
  if (stop.stop_requested()) throw std::runtime_error(fmt::format("{} took too long to answer", name));
  if (status != 200) throw std::runtime_error(fmt::format("{} answers {}", name, status));
  if (body.size() > kLongestDocument) throw std::runtime_error(fmt::format("{} is too large", name));
  return body;
}

// OpenID Connect Discovery 1.0 section 4
std::string keysUrl(const OidcOptions& options, const std::stop_token& stop) {
  auto place = placeOf(options.issuerUrl);
  if (place.path.ends_with('/')) place.path.pop_back();
  place.path += "/.well-known/openid-configuration";
  auto document = json::parse(fetch(options, place, stop), {.maxDepth = kDeepestDocument});
  // Section 4.3: otherwise it is the document of somebody else.
  if (auto issuer = json::getString(document, "issuer"); issuer != options.issuerUrl) {
    throw std::runtime_error(fmt::format("its openid-configuration is that of \"{}\"", issuer));
  }
  return std::string(json::getString(document, "jwks_uri"));
}

}  // namespace

pki::KeySet fetchIssuerKeys(const OidcOptions& options, std::stop_token stop) {
  return pki::KeySet::parse(fetch(options, placeOf(keysUrl(options, stop)), stop));
}

}  // namespace wherry::apiserver
