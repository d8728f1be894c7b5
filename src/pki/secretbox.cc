#include "pki/secretbox.h"

#include <array>
#include <bit>
#include <cstdint>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>

#include "pki/openssl.h"

namespace wherry::pki {
namespace {

constexpr size_t kTag = 16;
constexpr size_t kBlock = 64;
constexpr size_t kOneTimeKey = 32;  // of the first block; the text begins after it

using Words = std::array<uint32_t, 16>;
using MacPtr = std::unique_ptr<EVP_MAC, OpenSslDeleter<EVP_MAC_free>>;
using MacContextPtr = std::unique_ptr<EVP_MAC_CTX, OpenSslDeleter<EVP_MAC_CTX_free>>;

uint32_t wordAt(std::string_view bytes, size_t index) {
  uint32_t word = 0;
  for (size_t i = 4; i-- > 0;) word = word << 8 | static_cast<unsigned char>(bytes[4 * index + i]);
  return word;
}

void appendWord(std::string& out, uint32_t word) {
  for (int i = 0; i < 4; ++i) out += static_cast<char>(word >> (8 * i) & 0xff);
}

void quarterRound(Words& x, std::array<size_t, 4> at) {
  x[at[1]] ^= std::rotl(x[at[0]] + x[at[3]], 7);
  x[at[2]] ^= std::rotl(x[at[1]] + x[at[0]], 9);
  x[at[3]] ^= std::rotl(x[at[2]] + x[at[1]], 13);
  x[at[0]] ^= std::rotl(x[at[3]] + x[at[2]], 18);
}

void twentyRounds(Words& x) {
  for (int i = 0; i < 10; ++i) {
    for (auto column : {std::array<size_t, 4>{0, 4, 8, 12}, {5, 9, 13, 1}, {10, 14, 2, 6}, {15, 3, 7, 11}}) {
      quarterRound(x, column);
    }
    for (auto row : {std::array<size_t, 4>{0, 1, 2, 3}, {5, 6, 7, 4}, {10, 11, 8, 9}, {15, 12, 13, 14}}) {
      quarterRound(x, row);
    }
  }
}

// The state: constants on the diagonal, between them the key, and `middle` (16 bytes: nonce and counter).
Words stateOf(std::string_view key, std::string_view middle) {
  constexpr std::string_view kConstants = "expand 32-byte k";
  Words x{};
  for (size_t i = 0; i < 4; ++i) {
    x[5 * i] = wordAt(kConstants, i);
    x[1 + i] = wordAt(key, i);
    x[6 + i] = wordAt(middle, i);
    x[11 + i] = wordAt(key, 4 + i);
  }
  return x;
}

std::string hsalsa20(std::string_view key, std::string_view nonce) {
  Words x = stateOf(key, nonce);
  twentyRounds(x);
  std::string out;
  for (size_t at : {0, 5, 10, 15, 6, 7, 8, 9}) appendWord(out, x[at]);
  return out;
}

std::string salsa20Block(std::string_view key, std::string_view nonce, uint64_t counter) {
  std::string middle(nonce);
  appendWord(middle, static_cast<uint32_t>(counter));
  appendWord(middle, static_cast<uint32_t>(counter >> 32));
  const Words start = stateOf(key, middle);
  Words x = start;
  twentyRounds(x);
  std::string out;
  for (size_t i = 0; i < x.size(); ++i) appendWord(out, x[i] + start[i]);
  return out;
}

// The key stream over kOneTimeKey bytes of zero and then the text: its head, and the text changed by the rest.
struct Streamed {
  std::string oneTimeKey, text;
};
Streamed applyStream(std::string_view key, std::string_view nonce, std::string_view text) {
  const std::string subkey = hsalsa20(key, nonce.substr(0, 16));
  const auto rest = nonce.substr(16);
  std::string block = salsa20Block(subkey, rest, 0);
  Streamed streamed{block.substr(0, kOneTimeKey), std::string(text)};
  for (size_t i = 0; i < text.size(); ++i) {
    size_t at = (i + kOneTimeKey) % kBlock;
    if (at == 0) block = salsa20Block(subkey, rest, (i + kOneTimeKey) / kBlock);
    streamed.text[i] = static_cast<char>(streamed.text[i] ^ block[at]);
  }
  return streamed;
}

std::string poly1305(std::string_view key, std::string_view text) {
  MacPtr mac(EVP_MAC_fetch(nullptr, "POLY1305", nullptr));
  check(mac != nullptr, "POLY1305");
  MacContextPtr context(EVP_MAC_CTX_new(mac.get()));
  auto bytes = [](std::string_view of) { return reinterpret_cast<const unsigned char*>(of.data()); };
  std::string tag(kTag, '\0');
  size_t size = 0;
  check(EVP_MAC_init(context.get(), bytes(key), key.size(), nullptr) == 1, "POLY1305");
  check(EVP_MAC_update(context.get(), bytes(text), text.size()) == 1, "POLY1305");
  check(EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(tag.data()), &size, tag.size()) == 1, "POLY1305");
  return tag;
}

}  // namespace

std::string sealSecretbox(std::string_view key, std::string_view nonce, std::string_view text) {
  auto streamed = applyStream(key, nonce, text);
  return poly1305(streamed.oneTimeKey, streamed.text) + streamed.text;
}

std::optional<std::string> unsealSecretbox(std::string_view key, std::string_view nonce, std::string_view sealed) {
  if (sealed.size() < kTag) return std::nullopt;
  auto text = sealed.substr(kTag);
  auto streamed = applyStream(key, nonce, text);
  auto tag = poly1305(streamed.oneTimeKey, text);
  if (CRYPTO_memcmp(tag.data(), sealed.data(), kTag) != 0) return std::nullopt;
  return std::move(streamed.text);
}

}  // namespace wherry::pki
