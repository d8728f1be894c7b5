#include "pki/key_set.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "json/value.h"
#include "pki/jwk.h"
#include "pki/signature.h"

namespace wherry::pki {
namespace {

constexpr size_t kMostKeys = 100;
constexpr size_t kDeepestDocument = 32;

struct Algorithm {
  KeyType keyType;
  const EVP_MD* (*digest)();
  RsaPadding padding;
  size_t scalarSize;  // bytes, of r and of s; 0: not ECDSA
};

// As they stand in kAlgorithms.
constexpr std::array<std::string_view, 9> kNames = {"RS256", "RS384", "RS512", "ES256", "ES384",
                                                    "ES512", "PS256", "PS384", "PS512"};
constexpr std::array<Algorithm, kNames.size()> kAlgorithms = {{
    {KeyType::kRsa, EVP_sha256, RsaPadding::kPkcs1, 0},
    {KeyType::kRsa, EVP_sha384, RsaPadding::kPkcs1, 0},
    {KeyType::kRsa, EVP_sha512, RsaPadding::kPkcs1, 0},
    {KeyType::kP256, EVP_sha256, RsaPadding::kPkcs1, 32},
    {KeyType::kP384, EVP_sha384, RsaPadding::kPkcs1, 48},
    {KeyType::kP521, EVP_sha512, RsaPadding::kPkcs1, 66},
    {KeyType::kRsa, EVP_sha256, RsaPadding::kPss, 0},
    {KeyType::kRsa, EVP_sha384, RsaPadding::kPss, 0},
    {KeyType::kRsa, EVP_sha512, RsaPadding::kPss, 0},
}};

const Algorithm* findAlgorithm(std::string_view name) {
  auto found = std::ranges::find(kNames, name);
  return found == kNames.end() ? nullptr : &kAlgorithms[static_cast<size_t>(found - kNames.begin())];
}

json::Value parseDocument(std::string_view text) {
  try {
    return json::parse(text, {.maxDepth = kDeepestDocument});
  } catch (const json::ParseError& error) {
    throw std::invalid_argument(std::string("not a JSON Web Key Set: ") + error.what());
  }
}

}  // namespace

std::span<const std::string_view> signingAlgorithms() { return kNames; }

KeySet KeySet::parse(std::string_view text) {
  auto document = parseDocument(text);
  const auto* list = json::find(document, "keys");
  if (!list || !list->is_array()) throw std::invalid_argument("not a JSON Web Key Set: no list of keys in it");
  if (list->get_array().size() > kMostKeys) throw std::invalid_argument("a key set of more than 100 keys");
  KeySet set;
  for (const auto& jwk : list->get_array()) {
    if (auto key = readJwk(jwk)) set.keys_.push_back(std::make_shared<const PublicKey>(std::move(*key)));
  }
  return set;
}

bool KeySet::hasSigned(const SignedToken& token) const {
  const auto* algorithm = findAlgorithm(token.algorithm);
  if (!algorithm) return false;
  std::string signature = token.signature;
  if (algorithm->scalarSize > 0) {
    if (signature.size() != 2 * algorithm->scalarSize) return false;
    signature = toDerSignature(signature);
  }
  return std::ranges::any_of(keys_, [&](const auto& key) {
    if (key->type != algorithm->keyType || (!token.keyId.empty() && key->id != token.keyId)) return false;
    if (!key->algorithm.empty() && key->algorithm != token.algorithm) return false;
    return isSigned(token.text, signature, key->key.get(), algorithm->digest(), algorithm->padding);
  });
}

}  // namespace wherry::pki
