#include "main/oidc_options.h"

#include <stdexcept>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/fd.h"

namespace wherry::main {
namespace {

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

CLI::Option* declare(CLI::App& parser, const char* flag, std::string& value, const char* help) {
  return parser.add_option(flag, value, help)->group("OpenID Connect");
}

CLI::Option* declareList(CLI::App& parser, const char* flag, std::vector<std::string>& values, const char* help) {
  return parser.add_option(flag, values, help)->delimiter(',')->group("OpenID Connect");
}

std::string readAuthorities(const std::string& caFile) {
  const std::string path = caFile.empty() ? kSystemAuthorities : caFile;
  auto authorities = base::readFileIfExists(path);
  if (authorities && authorities->find("-----BEGIN CERTIFICATE-----") != std::string::npos) return *authorities;
  if (!caFile.empty()) throw std::runtime_error(fmt::format("--oidc-ca-file {}: no certificate in it", caFile));
  throw std::runtime_error(
      fmt::format("--oidc-issuer-url: {} has no certificates of authorities; install ca-certificates, or name a file "
                  "with --oidc-ca-file",
                  kSystemAuthorities));
}

}  // namespace

void declareOidcFlags(CLI::App& parser, OidcFlags& flags) {
  auto& options = flags.options;
  declare(parser, "--oidc-issuer-url", options.issuerUrl, "the issuer whose ID tokens name users; https only");
  declare(parser, "--oidc-client-id", options.clientId, "the audience that its tokens must have");
  declare(parser, "--oidc-username-claim", options.usernameClaim, "the claim that is the user's name")
      ->capture_default_str();
  declare(parser, "--oidc-username-prefix", options.usernamePrefix,
          "what is put before it; - is nothing (default: the issuer's URL and #; nothing for the claim email)");
  declare(parser, "--oidc-groups-claim", options.groupsClaim, "the claim that is the user's groups (default: none)");
  declare(parser, "--oidc-groups-prefix", options.groupsPrefix, "what is put before each of them");
  declareList(parser, "--oidc-required-claim", options.requiredClaims, "a claim that a token must have, as key=value");
  declareList(parser, "--oidc-signing-algs", options.signingAlgorithms, "how tokens may be signed")
      ->default_str("RS256");
  declare(parser, "--oidc-ca-file", flags.caFile, "who may sign the issuer's certificate (default: the system's)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
}

apiserver::OidcOptions oidcOptions(const OidcFlags& flags, const std::string& ownIssuer) {
  apiserver::checkOidcOptions(flags.options);
  if (flags.options.issuerUrl.empty()) {
    if (!flags.caFile.empty()) throw std::runtime_error("--oidc-ca-file is of use with --oidc-issuer-url alone");
    return {};
  }
  if (flags.options.issuerUrl == ownIssuer) {
    throw std::runtime_error(
        fmt::format("--oidc-issuer-url {}: that is the issuer of this cluster's ServiceAccount tokens", ownIssuer));
  }
  auto options = flags.options;
  options.caPem = readAuthorities(flags.caFile);
  return options;
}

}  // namespace wherry::main
