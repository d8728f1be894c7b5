#include "apiserver/oidc/options.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "net/url.h"
#include "pki/key_set.h"

namespace wherry::apiserver {
namespace {

void checkUrl(const std::string& url) {
  auto refuse = [&](std::string_view why) {
    throw std::runtime_error(fmt::format("--oidc-issuer-url {}: {}", url, why));
  };
  if (!url.starts_with("https://")) refuse("it must begin with https://");
  if (url.find_first_of("?#") != std::string::npos) refuse("it may have neither a query nor a fragment");
  try {
    net::parseServerUrl(url);
  } catch (const std::invalid_argument&) {
    refuse("not a URL of a server");
  }
}

}  // namespace

void checkOidcOptions(const OidcOptions& options) {
  if (options == OidcOptions()) return;
  if (options.issuerUrl.empty() || options.clientId.empty()) {
    throw std::runtime_error(
        "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set");
  }
  checkUrl(options.issuerUrl);
  if (options.usernameClaim.empty()) throw std::runtime_error("--oidc-username-claim: a name is required");
  if (options.signingAlgorithms.empty()) throw std::runtime_error("--oidc-signing-algs: at least one is required");
  const auto known = pki::signingAlgorithms();
  for (const auto& algorithm : options.signingAlgorithms) {
    if (std::ranges::find(known, algorithm) != known.end()) continue;
    throw std::runtime_error(
        fmt::format("--oidc-signing-algs: {} is not one of {}", algorithm, fmt::join(known, ", ")));
  }
  for (const auto& claim : options.requiredClaims) {
    if (claim.find('=') != std::string::npos) continue;
    throw std::runtime_error(fmt::format("--oidc-required-claim: {} is not of the form key=value", claim));
  }
}

}  // namespace wherry::apiserver
