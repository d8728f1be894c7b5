// Texts sealed with a key, as Kubernetes keeps objects on the disk: AES-GCM, AES-CBC and NaCl's secretbox, in the very
// bytes that its EncryptionConfiguration's providers write. Pure but for the random numbers; safe from any thread.
//
//   kAesGcm     nonce (12), sealed text, tag (16)         keys of 16, 24 or 32 bytes
//   kAesCbc     IV (16), padded text (PKCS #7)            keys of 16, 24 or 32 bytes; a change of the bytes goes unseen
//   kSecretbox  nonce (24), tag (16), XSalsa20 text       keys of 32 bytes
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wherry::pki {

enum class Cipher { kAesGcm, kAesCbc, kSecretbox };

// The sizes in bytes that a key may have.
std::vector<size_t> keySizes(Cipher cipher);

// `about` names what is sealed: AES-GCM opens it only under the same name. REQUIRES: the key has a size of keySizes().
std::string seal(Cipher cipher, std::string_view key, std::string_view text, std::string_view about);

// Nothing when the key is another one, or the bytes are not what seal() made.
std::optional<std::string> unseal(Cipher cipher, std::string_view key, std::string_view sealed, std::string_view about);

}  // namespace wherry::pki
