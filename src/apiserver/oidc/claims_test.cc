#include "apiserver/oidc/claims.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace wherry::apiserver {
namespace {

constexpr base::WallTime kNow{std::chrono::seconds(1'700'000'000)};

std::string whoIs(const OidcOptions& options, const std::string& claims) {
  auto user = userOfClaims(options, claims, kNow);
  if (!user) return "nobody";
  std::string text = user->name;
  for (const auto& group : user->groups) text += " " + group;
  return text;
}

// The claims of a good token with these put over them, as YAML; null takes one away.
std::string good(const std::string& changes = "{}") {
  auto claims = json::parseYaml("{iss: 'https://i', aud: wherry, exp: 1700000001, sub: jane}").as_object();
  const auto changed = json::parseYaml(changes);
  for (const auto& [name, value] : changed.get_object()) {
    value.is_null() ? void(claims.erase(name)) : void(claims.insert_or_assign(name, value));
  }
  return json::serialize(claims);
}

TEST(OidcClaims, SayWhoItIs) {
  const OidcOptions plain{.issuerUrl = "https://i", .clientId = "wherry"};
  auto bare = plain, named = plain, mail = plain, groups = plain, required = plain, google = plain;
  bare.usernamePrefix = "-";
  named.usernamePrefix = "i:";
  mail.usernameClaim = "email";
  groups.groupsClaim = "https://i/groups";
  groups.groupsPrefix = "i:";
  required.requiredClaims = {"team=crew", "https://i/level=a=b"};
  google.issuerUrl = "https://accounts.google.com";
  const struct {
    const char* name;
    const OidcOptions& options;
    std::string claims;
    const char* expected;
  } cases[] = {
      {"the subject, told from other users by its issuer", plain, good(), "https://i#jane"},
      {"with no prefix", bare, good(), "jane"},
      {"with one of our own", named, good(), "i:jane"},
      {"a subject that is no text", plain, good("{sub: 7}"), "nobody"},
      {"no subject", plain, good("{sub: null}"), "nobody"},
      {"an empty subject", plain, good("{sub: ''}"), "nobody"},
      {"no issuer", plain, good("{iss: null}"), "nobody"},
      {"another issuer", plain, good("{iss: 'https://j'}"), "nobody"},
      {"the issuer with a slash more", plain, good("{iss: 'https://i/'}"), "nobody"},
      {"Google's other name", google, good("{iss: accounts.google.com}"), "https://accounts.google.com#jane"},
      {"one audience of several", plain, good("{aud: [a, wherry]}"), "https://i#jane"},
      {"other audiences", plain, good("{aud: [a, b]}"), "nobody"},
      {"an audience that begins like ours", plain, good("{aud: wherry2}"), "nobody"},
      {"no audience", plain, good("{aud: null}"), "nobody"},
      {"audiences that are no texts", plain, good("{aud: [wherry, 1]}"), "nobody"},
      {"over", plain, good("{exp: 1700000000}"), "nobody"},
      {"over in half a second", plain, good("{exp: 1700000000.5}"), "https://i#jane"},
      {"without an end", plain, good("{exp: null}"), "nobody"},
      {"with an end that is no number", plain, good("{exp: '1800000000'}"), "nobody"},
      {"begun", plain, good("{nbf: 1700000000}"), "https://i#jane"},
      {"to begin within the minute that clocks may differ", plain, good("{nbf: 1700000060}"), "https://i#jane"},
      {"to begin later", plain, good("{nbf: 1700000061}"), "nobody"},
      {"with a beginning that is no number", plain, good("{nbf: soon}"), "nobody"},
      {"a mail address", mail, good("{email: j@i}"), "j@i"},
      {"a verified one", mail, good("{email: j@i, email_verified: true}"), "j@i"},
      {"one that is not verified", mail, good("{email: j@i, email_verified: false}"), "nobody"},
      {"one that is verified in words", mail, good("{email: j@i, email_verified: 'true'}"), "nobody"},
      {"whether a mail address is verified, when nobody is named by it", plain, good("{email_verified: false}"),
       "https://i#jane"},
      {"groups", groups, good("{'https://i/groups': [a, b]}"), "https://i#jane i:a i:b"},
      {"a group alone", groups, good("{'https://i/groups': a}"), "https://i#jane i:a"},
      {"no groups", groups, good(), "https://i#jane"},
      {"groups that are no texts", groups, good("{'https://i/groups': [1]}"), "nobody"},
      {"groups that stand elsewhere", groups,
       good("{_claim_names: {'https://i/groups': s}, _claim_sources: {s: {endpoint: 'https://i/g'}}}"),
       "https://i#jane"},
      {"groups that nobody asked for", plain, good("{groups: [a]}"), "https://i#jane"},
      {"claims that are required", required, good("{team: crew, 'https://i/level': a=b}"), "https://i#jane"},
      {"one of them with another value", required, good("{team: cooks, 'https://i/level': a=b}"), "nobody"},
      {"one of them missing", required, good("{team: crew}"), "nobody"},
      {"one of them a list", required, good("{team: [crew], 'https://i/level': a=b}"), "nobody"},
      {"no object", plain, "[]", "nobody"},
      {"no JSON", plain, "{", "nobody"},
      {"a text that is deeper than it may be", plain, std::string(100, '['), "nobody"},
  };
  for (const auto& each : cases) EXPECT_EQ(whoIs(each.options, each.claims), each.expected) << each.name;
}

TEST(OidcOptions, AreChecked) {
  auto wrong = [](const OidcOptions& options) -> std::string {
    try {
      checkOidcOptions(options);
      return "";
    } catch (const std::runtime_error& error) {
      return error.what();
    }
  };
  const auto together = "oidc-issuer-url and oidc-client-id must be specified together when any oidc-* flags are set";
  const OidcOptions good{.issuerUrl = "https://i/realm", .clientId = "c"};
  auto algorithms = good, claims = good;
  algorithms.signingAlgorithms = {"RS256", "HS256"};
  claims.requiredClaims = {"a"};
  EXPECT_EQ(wrong({}), "");
  EXPECT_EQ(wrong(good), "");
  EXPECT_EQ(wrong({.issuerUrl = "https://i"}), together);
  EXPECT_EQ(wrong({.clientId = "c"}), together);
  EXPECT_EQ(wrong({.groupsClaim = "groups"}), together);
  EXPECT_EQ(wrong({.issuerUrl = "http://i", .clientId = "c"}),
            "--oidc-issuer-url http://i: it must begin with https://");
  EXPECT_EQ(wrong({.issuerUrl = "https://i?a", .clientId = "c"}),
            "--oidc-issuer-url https://i?a: it may have neither a query nor a fragment");
  EXPECT_EQ(wrong({.issuerUrl = "https://u@i", .clientId = "c"}),
            "--oidc-issuer-url https://u@i: not a URL of a server");
  EXPECT_EQ(wrong(algorithms),
            "--oidc-signing-algs: HS256 is not one of RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512");
  EXPECT_EQ(wrong(claims), "--oidc-required-claim: a is not of the form key=value");
}

}  // namespace
}  // namespace wherry::apiserver
