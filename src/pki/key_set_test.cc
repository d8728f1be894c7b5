#include "pki/key_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/encoding.h"
#include "base/strings.h"
#include "pki/jwt.h"
#include "pki/key.h"
#include "pki/openssl.h"
#include "pki/signature.h"

namespace wherry::pki {
namespace {

constexpr std::string_view kClaims = R"({"iss":"https://issuer.test","sub":"jane"})";

std::string url(std::string_view bytes) { return base::encodeBase64(bytes, base::Base64::kUrl); }

std::string numberOf(EVP_PKEY* key, const char* name, int size = 0) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(key, name, &value);
  std::string bytes(static_cast<size_t>(size ? size : BN_num_bytes(value)), '\0');
  BN_bn2binpad(value, reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  BN_free(value);
  return url(bytes);
}

// A key that signs as an issuer's does.
struct IssuerKey {
  KeyPtr key;
  std::string id, curve;  // curve empty: RSA
  int coordinateSize = 0;

  std::string jwk(const std::string& more = "") const {
    auto head = fmt::format(R"({{"kid":"{}",{})", id, more);
    if (curve.empty()) {
      return head + fmt::format(R"("kty":"RSA","n":"{}","e":"{}"}})", numberOf(key.get(), OSSL_PKEY_PARAM_RSA_N),
                                numberOf(key.get(), OSSL_PKEY_PARAM_RSA_E));
    }
    return head + fmt::format(R"("kty":"EC","crv":"{}","x":"{}","y":"{}"}})", curve,
                              numberOf(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, coordinateSize),
                              numberOf(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, coordinateSize));
  }
  std::string sign(std::string_view header, const EVP_MD* digest, RsaPadding padding = RsaPadding::kPkcs1) const {
    auto text = url(header) + "." + url(kClaims);
    auto signature = signText(text, key.get(), digest, padding);
    if (!curve.empty()) signature = toRawSignature(signature, static_cast<size_t>(coordinateSize));
    return text + "." + url(signature);
  }
};

const IssuerKey& rsa() {
  static const IssuerKey kKey{KeyPtr(EVP_RSA_gen(2048)), "r", ""};
  return kKey;
}
const IssuerKey& p256() {
  static const IssuerKey kKey{KeyPtr(EVP_EC_gen("P-256")), "e256", "P-256", 32};
  return kKey;
}
const IssuerKey& p384() {
  static const IssuerKey kKey{KeyPtr(EVP_EC_gen("P-384")), "e384", "P-384", 48};
  return kKey;
}
const IssuerKey& p521() {
  static const IssuerKey kKey{KeyPtr(EVP_EC_gen("P-521")), "e521", "P-521", 66};
  return kKey;
}

KeySet setOf(const std::vector<std::string>& jwks) {
  return KeySet::parse(R"({"keys":[)" + base::join(jwks, ",") + "]}");
}

bool accepts(const KeySet& set, const std::string& token) {
  auto parsed = parseSignedToken(token);
  return parsed && set.hasSigned(*parsed);
}

TEST(KeySet, VerifiesEachAlgorithmAndNoOtherUnderItsName) {
  auto set = setOf({rsa().jwk(), p256().jwk(), p384().jwk(), p521().jwk()});
  ASSERT_EQ(set.size(), 4u);
  const struct {
    std::string algorithm;
    const IssuerKey& key;
    const EVP_MD* digest;
    RsaPadding padding;
  } signers[] = {
      {"RS256", rsa(), EVP_sha256(), RsaPadding::kPkcs1},  {"RS384", rsa(), EVP_sha384(), RsaPadding::kPkcs1},
      {"RS512", rsa(), EVP_sha512(), RsaPadding::kPkcs1},  {"ES256", p256(), EVP_sha256(), RsaPadding::kPkcs1},
      {"ES384", p384(), EVP_sha384(), RsaPadding::kPkcs1}, {"ES512", p521(), EVP_sha512(), RsaPadding::kPkcs1},
      {"PS256", rsa(), EVP_sha256(), RsaPadding::kPss},    {"PS384", rsa(), EVP_sha384(), RsaPadding::kPss},
      {"PS512", rsa(), EVP_sha512(), RsaPadding::kPss},
  };
  ASSERT_EQ(std::size(signers), signingAlgorithms().size());
  for (const auto& signer : signers) {
    for (auto said : signingAlgorithms()) {
      auto header = fmt::format(R"({{"alg":"{}","kid":"{}"}})", said, signer.key.id);
      EXPECT_EQ(accepts(set, signer.key.sign(header, signer.digest, signer.padding)), said == signer.algorithm)
          << signer.algorithm << " that says it is " << said;
    }
  }
}

TEST(KeySet, ReadsTheOneThatThisServerPublishes) {
  const JwtKey key(newPrivateKey()), other(newPrivateKey());
  EXPECT_TRUE(accepts(setOf({other.renderJwk(), key.renderJwk()}), key.sign(kClaims)));
  EXPECT_FALSE(accepts(setOf({other.renderJwk()}), key.sign(kClaims)));
}

TEST(KeySet, RefusesTokensThatItsKeysDidNotSign) {
  auto set = setOf({rsa().jwk()});
  const auto good = rsa().sign(R"({"alg":"RS256","kid":"r"})", EVP_sha256());
  const auto parts = base::split(good, '.');
  const auto head = std::string(parts[0]), claims = std::string(parts[1]), signature = std::string(parts[2]);
  ASSERT_TRUE(accepts(set, good));
  const struct {
    const char* name;
    std::string token;
  } cases[] = {
      {"another key's name", rsa().sign(R"({"alg":"RS256","kid":"x"})", EVP_sha256())},
      {"no algorithm", rsa().sign(R"({"alg":"none","kid":"r"})", EVP_sha256())},
      {"no algorithm, and no signature", url(R"({"alg":"none","kid":"r"})") + "." + claims + "."},
      {"an algorithm with a secret", rsa().sign(R"({"alg":"HS256","kid":"r"})", EVP_sha256())},
      {"no algorithm named", rsa().sign(R"({"kid":"r"})", EVP_sha256())},
      {"an extension that must be understood", rsa().sign(R"({"alg":"RS256","kid":"r","crit":["b64"]})", EVP_sha256())},
      {"a header that is no object", rsa().sign("[]", EVP_sha256())},
      {"a header that is no JSON", rsa().sign("x", EVP_sha256())},
      {"other claims", head + "." + url(R"({"sub":"admin"})") + "." + signature},
      {"no signature", head + "." + claims + "."},
      {"a fourth part", good + ".x"},
      {"two parts", head + "." + claims},
      {"a signature that is not base64url", head + "." + claims + "." + signature.substr(1) + "+"},
      {"nothing", ""},
  };
  for (const auto& each : cases) EXPECT_FALSE(accepts(set, each.token)) << each.name;
}

TEST(KeySet, ATokenThatNamesNoKeyIsAnyKeys) {
  auto token = rsa().sign(R"({"alg":"RS256"})", EVP_sha256());
  EXPECT_TRUE(accepts(setOf({p256().jwk(), rsa().jwk()}), token));
  EXPECT_FALSE(accepts(setOf({p256().jwk()}), token));
}

TEST(KeySet, AKeyIsForTheAlgorithmThatItNamesAlone) {
  auto token = rsa().sign(R"({"alg":"RS256","kid":"r"})", EVP_sha256());
  EXPECT_TRUE(accepts(setOf({rsa().jwk(R"("alg":"RS256","use":"sig",)")}), token));
  EXPECT_FALSE(accepts(setOf({rsa().jwk(R"("alg":"PS256",)")}), token));
  EXPECT_EQ(setOf({rsa().jwk(R"("use":"enc",)")}).size(), 0u);
}

TEST(KeySet, LeavesOutWhatIsNoKeyOfAKnownType) {
  const std::string modulus = numberOf(rsa().key.get(), OSSL_PKEY_PARAM_RSA_N);
  const std::string x = numberOf(p256().key.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32);
  const std::string y = numberOf(p256().key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32);
  const struct {
    const char* name;
    std::string jwk;
  } cases[] = {
      {"a number", "7"},
      {"no type", "{}"},
      {"a symmetric key", R"({"kty":"oct","k":"AAAA"})"},
      {"an Edwards curve", R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"},
      {"RSA without numbers", R"({"kty":"RSA"})"},
      {"a short modulus", fmt::format(R"({{"kty":"RSA","n":"{}","e":"AQAB"}})", url(std::string(128, '\xff')))},
      {"a modulus that is too long",
       fmt::format(R"({{"kty":"RSA","n":"{}","e":"AQAB"}})", url(std::string(1025, '\xff')))},
      {"an exponent of one", fmt::format(R"({{"kty":"RSA","n":"{}","e":"AQ"}})", modulus)},
      {"an even exponent", fmt::format(R"({{"kty":"RSA","n":"{}","e":"Ag"}})", modulus)},
      {"a long exponent", fmt::format(R"({{"kty":"RSA","n":"{}","e":"AQAAAAAB"}})", modulus)},
      {"a point that is not on its curve",
       fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}})", x, url(std::string(32, '\1')))},
      {"another curve's name", fmt::format(R"({{"kty":"EC","crv":"P-384","x":"{}","y":"{}"}})", x, y)},
      {"a curve that is not known", fmt::format(R"({{"kty":"EC","crv":"secp256k1","x":"{}","y":"{}"}})", x, y)},
      {"a point at infinity", R"({"kty":"EC","crv":"P-256","x":"","y":""})"},
  };
  for (const auto& each : cases) EXPECT_EQ(setOf({each.jwk}).size(), 0u) << each.name;
  EXPECT_EQ(setOf({"7", p256().jwk()}).size(), 1u) << "the others are none the worse for it";
}

TEST(KeySet, IsAnObjectWithAListOfKeys) {
  for (auto text : {"", "[]", "{}", R"({"keys":7})", "{"}) EXPECT_THROW(KeySet::parse(text), std::invalid_argument);
  EXPECT_EQ(KeySet::parse(R"({"keys":[]})").size(), 0u);
  EXPECT_EQ(setOf(std::vector<std::string>(100, p256().jwk())).size(), 100u);
  EXPECT_THROW(setOf(std::vector<std::string>(101, "{}")), std::invalid_argument);
}

TEST(SignedToken, IsTakenApart) {
  auto token = parseSignedToken(url(R"({"alg":"RS256","kid":"k","typ":"JWT"})") + "." + url(kClaims) + "." + url("s"));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->algorithm, "RS256");
  EXPECT_EQ(token->keyId, "k");
  EXPECT_EQ(token->claims, kClaims);
  EXPECT_EQ(token->signature, "s");
  EXPECT_FALSE(parseSignedToken(url("{}") + "." + url(kClaims) + ".=")) << "padding";
}

}  // namespace
}  // namespace wherry::pki
