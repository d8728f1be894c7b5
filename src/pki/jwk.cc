#include "pki/jwk.h"

#include <array>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include "base/encoding.h"

namespace wherry::pki {
namespace {

using NumberPtr = std::unique_ptr<BIGNUM, OpenSslDeleter<BN_free>>;
using BuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpenSslDeleter<OSSL_PARAM_BLD_free>>;
using ParametersPtr = std::unique_ptr<OSSL_PARAM, OpenSslDeleter<OSSL_PARAM_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpenSslDeleter<EVP_PKEY_CTX_free>>;

// RFC 7518 section 3.3 asks for 2048 bits at least; the other bounds are on what a signature's check may cost.
constexpr int kShortestModulus = 2048, kLongestModulus = 8192, kLongestExponent = 32;  // bits

struct Curve {
  const char* name;  // RFC 7518 section 6.2.1.1; OpenSSL knows them by the same
  KeyType type;
  size_t coordinateSize;  // bytes
};
constexpr std::array<Curve, 3> kCurves = {{
    {"P-256", KeyType::kP256, 32},
    {"P-384", KeyType::kP384, 48},
    {"P-521", KeyType::kP521, 66},
}};

std::string bytesAt(const json::Value& jwk, std::string_view member) {
  return base::decodeBase64(json::getString(jwk, member), base::Base64::kUrl).value_or("");
}

NumberPtr numberAt(const json::Value& jwk, std::string_view member) {
  auto bytes = bytesAt(jwk, member);
  return NumberPtr(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
}

// Null when the parameters are those of no key.
std::shared_ptr<EVP_PKEY> makeKey(const char* type, OSSL_PARAM_BLD* builder) {
  ParametersPtr parameters(OSSL_PARAM_BLD_to_param(builder));
  KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  check(parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1, "public key");
  EVP_PKEY* key = nullptr;
  bool made = EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) == 1;
  ERR_clear_error();
  return made ? KeyPtr(key) : nullptr;
}

std::shared_ptr<EVP_PKEY> makeRsaKey(const json::Value& jwk) {
  auto modulus = numberAt(jwk, "n"), exponent = numberAt(jwk, "e");
  const int bits = BN_num_bits(modulus.get());
  if (bits < kShortestModulus || bits > kLongestModulus || BN_num_bits(exponent.get()) > kLongestExponent) return {};
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) return {};
  BuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return makeKey("RSA", builder.get());
}

std::shared_ptr<EVP_PKEY> makeEcKey(const json::Value& jwk, const Curve& curve) {
  auto x = bytesAt(jwk, "x"), y = bytesAt(jwk, "y");
  if (x.size() != curve.coordinateSize || y.size() != curve.coordinateSize) return {};  // RFC 7518 section 6.2.1.2
  auto point = "\4" + x + y;  // uncompressed (SEC 1 section 2.3.3)
  BuilderPtr builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.name, 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  return makeKey("EC", builder.get());
}

}  // namespace

std::optional<PublicKey> readJwk(const json::Value& jwk) {
  if (json::getString(jwk, "use", "sig") != "sig") return std::nullopt;
  PublicKey key{std::string(json::getString(jwk, "kid")), KeyType::kRsa, std::string(json::getString(jwk, "alg")), {}};
  const auto kind = json::getString(jwk, "kty");
  if (kind == "RSA") key.key = makeRsaKey(jwk);
  for (const auto& curve : kCurves) {
    if (kind != "EC" || json::getString(jwk, "crv") != curve.name) continue;
    key.type = curve.type;
    key.key = makeEcKey(jwk, curve);
  }
  return key.key ? std::optional(std::move(key)) : std::nullopt;
}

}  // namespace wherry::pki
