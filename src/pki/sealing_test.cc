#include "pki/sealing.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "pki/secretbox.h"

namespace wherry::pki {
namespace {

std::string upTo(char from, size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(static_cast<size_t>(from) + i);
  return bytes;
}

constexpr std::string_view kKey = "/registry/secrets/default/password";

struct Case {
  const char* name;
  Cipher cipher;
  size_t keySize;
};
const std::vector<Case> kCases = {
    {"AES-128-GCM", Cipher::kAesGcm, 16}, {"AES-192-GCM", Cipher::kAesGcm, 24}, {"AES-256-GCM", Cipher::kAesGcm, 32},
    {"AES-128-CBC", Cipher::kAesCbc, 16}, {"AES-256-CBC", Cipher::kAesCbc, 32}, {"secretbox", Cipher::kSecretbox, 32},
};

TEST(Sealing, WhatIsSealedIsReadWithItsKeyAlone) {
  for (const auto& [name, cipher, size] : kCases) {
    auto key = upTo('\1', size);
    for (const std::string& text : {std::string(), std::string("x"), std::string(1000, 'y')}) {
      auto sealed = seal(cipher, key, text, kKey);
      EXPECT_EQ(unseal(cipher, key, sealed, kKey), text) << name;
      EXPECT_EQ(sealed.find("yyy"), std::string::npos) << name;
      EXPECT_NE(seal(cipher, key, text, kKey), sealed) << name << " has a nonce of its own each time";
      EXPECT_NE(unseal(cipher, upTo('\2', size), sealed, kKey), text) << name;
    }
    EXPECT_EQ(unseal(cipher, key, "", kKey), std::nullopt) << name;
    EXPECT_EQ(unseal(cipher, key, "short", kKey), std::nullopt) << name;
  }
}

TEST(Sealing, AChangedByteIsFound) {
  for (auto cipher : {Cipher::kAesGcm, Cipher::kSecretbox}) {
    auto key = upTo('\1', 32);
    auto sealed = seal(cipher, key, "password", kKey);
    for (size_t i = 0; i < sealed.size(); ++i) {
      auto other = sealed;
      other[i] = static_cast<char>(other[i] ^ 1);
      EXPECT_EQ(unseal(cipher, key, other, kKey), std::nullopt) << i;
    }
  }
}

TEST(Sealing, AnObjectMovedToAnotherKeyIsFound) {
  auto key = upTo('\1', 32);
  EXPECT_EQ(unseal(Cipher::kAesGcm, key, seal(Cipher::kAesGcm, key, "x", kKey), "/registry/secrets/other/password"),
            std::nullopt);
}

// Made by libsodium.
TEST(Secretbox, IsThatOfNaCl) {
  constexpr std::string_view kText =
      "the quick brown fox jumps over the lazy dog, and then over another seventy-eight bytes of it, so that there are "
      "two blocks";
  EXPECT_EQ(
      base::encodeHex(sealSecretbox(upTo('\0', 32), upTo('d', 24), kText)),
      "a7b2d06b2d1922fe77491a6008bbcf2376d1fce94bc3a78adbdd41e658f3cd3858c540878ed3266bd52c2de26ff9e9fcc00ad4742e4"
      "de2c49179704e2072b301e1e4c67d7ca6562966937365b5ddea0c26f96c1ead4a2de4cdf6329729a485e774f5f473c28c5b6df4bbe0"
      "5354c696a9dabd811a9bf94eaf66091aabdd2ef0180c58f96ab5472f6a2bff");
}

}  // namespace
}  // namespace wherry::pki
