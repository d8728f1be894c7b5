// NaCl's crypto_secretbox: XSalsa20 and Poly1305 (D. J. Bernstein, "Cryptography in NaCl", sections 7 to 10; "Extending
// the Salsa20 nonce"). By libsodium: OpenSSL has no Salsa20. Pure; safe from any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wherry::pki {

inline constexpr size_t kSecretboxKey = 32;    // bytes
inline constexpr size_t kSecretboxNonce = 24;  // bytes

// The tag and the sealed text. REQUIRES: key and nonce have their sizes.
std::string sealSecretbox(std::string_view key, std::string_view nonce, std::string_view text);
std::optional<std::string> unsealSecretbox(std::string_view key, std::string_view nonce, std::string_view sealed);

}  // namespace wherry::pki
