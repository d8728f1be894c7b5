#include "pki/jwt.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "pki/key.h"

namespace wherry::pki {
namespace {

constexpr std::string_view kClaims = R"({"sub":"system:serviceaccount:default:default","exp":1800003600})";

TEST(Jwt, ATokenGivesBackItsClaims) {
  const JwtKey key(newPrivateKey()), copy = key;
  EXPECT_EQ(key.verify(key.sign(kClaims)), kClaims);
  EXPECT_EQ(copy.verify(key.sign(kClaims)), kClaims);
}

TEST(Jwt, NeedsAKeyOfItsSort) {
  EXPECT_THROW(JwtKey("hello"), std::invalid_argument);
  EXPECT_THROW(JwtKey(publicKeyOf(newPrivateKey())), std::invalid_argument);
}

TEST(Jwt, RefusesEverythingElse) {
  const JwtKey key(newPrivateKey());
  const std::string token = key.sign(kClaims);
  const auto parts = base::split(token, '.');
  const std::string none = base::encodeBase64(R"({"alg":"none"})", base::Base64::kUrl);
  const std::string root = base::encodeBase64(R"({"sub":"system:admin"})", base::Base64::kUrl);
  const struct {
    const char* name;
    std::string token;
  } cases[] = {
      {"the empty text", ""},
      {"a token of another key", JwtKey(newPrivateKey()).sign(kClaims)},
      {"other claims under the same signature", base::join({std::string(parts[0]), root, std::string(parts[2])}, ".")},
      {"a header that names no algorithm", base::join({none, std::string(parts[1]), std::string(parts[2])}, ".")},
      {"no signature", base::join({std::string(parts[0]), std::string(parts[1]), ""}, ".")},
      {"two parts", base::join({std::string(parts[0]), std::string(parts[1])}, ".")},
      {"a fourth part", token + ".x"},
      {"a longer signature", token + "AAAA"},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(key.verify(test.token), std::nullopt);
  }
}

TEST(Jwt, NamesItsKeyInTheHeader) {
  const JwtKey key(newPrivateKey());
  std::string token = key.sign(kClaims);
  auto header = base::decodeBase64(base::split(token, '.')[0], base::Base64::kUrl);
  EXPECT_EQ(header, R"({"alg":"ES256","kid":")" + key.id() + R"(","typ":"JWT"})");
}

// The two halves of the point with which a P-256 key's SubjectPublicKeyInfo ends (RFC 5480).
std::pair<std::string, std::string> pointOf(const std::string& privateKeyPem) {
  std::string body;
  const std::string pem = publicKeyOf(privateKeyPem);
  for (std::string_view line : base::split(pem, '\n')) {
    if (!line.starts_with("-----")) body += line;
  }
  std::string der = base::decodeBase64(body).value();
  return {base::encodeBase64(der.substr(der.size() - 64, 32), base::Base64::kUrl),
          base::encodeBase64(der.substr(der.size() - 32), base::Base64::kUrl)};
}

TEST(Jwt, ShowsItsPublicHalfToVerifiers) {
  const std::string pem = newPrivateKey();
  const JwtKey key(pem);
  auto [x, y] = pointOf(pem);
  EXPECT_EQ(key.renderJwk(), R"({"alg":"ES256","crv":"P-256","kid":")" + key.id() +
                                 R"(","kty":"EC","use":"sig","x":")" + x + R"(","y":")" + y + R"("})");
}

}  // namespace
}  // namespace wherry::pki
