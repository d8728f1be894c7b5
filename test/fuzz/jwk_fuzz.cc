// libFuzzer: the keys that an issuer publishes, and a token. The input is a key set up to the first NUL, and a token
// after it. No set holds more keys than it may, and none but one with the signer's key has signed what the signer
// signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pki/jwt.h"
#include "pki/key.h"
#include "pki/key_set.h"

namespace pki = wherry::pki;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto kSigned = pki::parseSignedToken(pki::JwtKey(pki::newPrivateKey()).sign(R"({"sub":"jane"})"));
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = input.find('\0');
  try {
    auto keys = pki::KeySet::parse(input.substr(0, end));
    if (keys.size() > 100 || keys.hasSigned(*kSigned)) std::abort();
    auto token = end == std::string_view::npos ? std::nullopt : pki::parseSignedToken(input.substr(end + 1));
    if (token) (void)keys.hasSigned(*token);
  } catch (const std::invalid_argument&) {
    // No key set.
  }
  return 0;
}
