#include "pki/secretbox.h"

#include <sodium.h>

namespace wherry::pki {

static_assert(kSecretboxKey == crypto_secretbox_KEYBYTES && kSecretboxNonce == crypto_secretbox_NONCEBYTES);

namespace {

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

std::string sealSecretbox(std::string_view key, std::string_view nonce, std::string_view text) {
  std::string sealed(text.size() + crypto_secretbox_MACBYTES, '\0');
  crypto_secretbox_easy(bytesOf(sealed), bytesOf(text), text.size(), bytesOf(nonce), bytesOf(key));
  return sealed;
}

std::optional<std::string> unsealSecretbox(std::string_view key, std::string_view nonce, std::string_view sealed) {
  if (sealed.size() < crypto_secretbox_MACBYTES) return std::nullopt;
  std::string text(sealed.size() - crypto_secretbox_MACBYTES, '\0');
  bool whole =
      crypto_secretbox_open_easy(bytesOf(text), bytesOf(sealed), sealed.size(), bytesOf(nonce), bytesOf(key)) == 0;
  return whole ? std::optional(std::move(text)) : std::nullopt;
}

}  // namespace wherry::pki
