#include "pki/sealing.h"

#include <openssl/err.h>

#include "base/random.h"
#include "pki/openssl.h"
#include "pki/secretbox.h"

namespace wherry::pki {
namespace {

constexpr size_t kGcmNonce = 12;
constexpr size_t kGcmTag = 16;
constexpr size_t kCbcBlock = 16;

using CipherPtr = std::unique_ptr<EVP_CIPHER_CTX, OpenSslDeleter<EVP_CIPHER_CTX_free>>;

const unsigned char* bytesOf(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytesOf(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

const EVP_CIPHER* algorithm(Cipher cipher, size_t keySize) {
  bool gcm = cipher == Cipher::kAesGcm;
  switch (keySize) {
    case 16:
      return gcm ? EVP_aes_128_gcm() : EVP_aes_128_cbc();
    case 24:
      return gcm ? EVP_aes_192_gcm() : EVP_aes_192_cbc();
    default:
      return gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc();
  }
}

enum class Direction { kUnseal = 0, kSeal = 1 };

// One AES operation over all of a text.
class Operation {
 public:
  Operation(Cipher cipher, std::string_view key, std::string_view nonce, Direction direction)
      : context_(EVP_CIPHER_CTX_new()) {
    check(EVP_CipherInit_ex(context_.get(), algorithm(cipher, key.size()), nullptr, bytesOf(key), bytesOf(nonce),
                            static_cast<int>(direction)) == 1,
          "AES");
  }
  void authenticate(std::string_view about) {
    int size = 0;
    check(EVP_CipherUpdate(context_.get(), nullptr, &size, bytesOf(about), static_cast<int>(about.size())) == 1, "AES");
  }
  void expectTag(std::string tag) { control(EVP_CTRL_AEAD_SET_TAG, tag); }
  std::string tag() {
    std::string tag(kGcmTag, '\0');
    control(EVP_CTRL_AEAD_GET_TAG, tag);
    return tag;
  }
  // Nothing when padding or tag are wrong.
  std::optional<std::string> run(std::string_view text) {
    std::string out(text.size() + kCbcBlock, '\0');
    int size = 0, last = 0;
    bool good =
        EVP_CipherUpdate(context_.get(), bytesOf(out), &size, bytesOf(text), static_cast<int>(text.size())) == 1 &&
        EVP_CipherFinal_ex(context_.get(), bytesOf(out) + size, &last) == 1;
    ERR_clear_error();
    if (!good) return std::nullopt;
    out.resize(static_cast<size_t>(size + last));
    return out;
  }

 private:
  void control(int what, std::string& tag) {
    check(EVP_CIPHER_CTX_ctrl(context_.get(), what, static_cast<int>(tag.size()), tag.data()) == 1, "AES tag");
  }
  CipherPtr context_;
};

std::optional<std::string> unsealGcm(std::string_view key, std::string_view sealed, std::string_view about) {
  if (sealed.size() < kGcmNonce + kGcmTag) return std::nullopt;
  Operation operation(Cipher::kAesGcm, key, sealed.substr(0, kGcmNonce), Direction::kUnseal);
  operation.authenticate(about);
  operation.expectTag(std::string(sealed.substr(sealed.size() - kGcmTag)));
  return operation.run(sealed.substr(kGcmNonce, sealed.size() - kGcmNonce - kGcmTag));
}

}  // namespace

std::vector<size_t> keySizes(Cipher cipher) {
  if (cipher == Cipher::kSecretbox) return {kSecretboxKey};
  return {16, 24, 32};
}

std::string seal(Cipher cipher, std::string_view key, std::string_view text, std::string_view about) {
  if (cipher == Cipher::kSecretbox) {
    auto nonce = base::randomBytes(kSecretboxNonce);
    return nonce + sealSecretbox(key, nonce, text);
  }
  bool gcm = cipher == Cipher::kAesGcm;
  auto nonce = base::randomBytes(gcm ? kGcmNonce : kCbcBlock);
  Operation operation(cipher, key, nonce, Direction::kSeal);
  if (gcm) operation.authenticate(about);
  auto sealed = operation.run(text);
  check(sealed.has_value(), "AES");
  return nonce + *sealed + (gcm ? operation.tag() : "");
}

std::optional<std::string> unseal(Cipher cipher, std::string_view key, std::string_view sealed,
                                  std::string_view about) {
  if (cipher == Cipher::kAesGcm) return unsealGcm(key, sealed, about);
  const size_t nonce = cipher == Cipher::kAesCbc ? kCbcBlock : kSecretboxNonce;
  if (sealed.size() < nonce) return std::nullopt;
  if (cipher == Cipher::kSecretbox) return unsealSecretbox(key, sealed.substr(0, nonce), sealed.substr(nonce));
  return Operation(cipher, key, sealed.substr(0, nonce), Direction::kUnseal).run(sealed.substr(nonce));
}

}  // namespace wherry::pki
