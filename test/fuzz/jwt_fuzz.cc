// libFuzzer: tokens. The input is a token that nobody signed, and then a list of changes (where, what) to one that was:
// whatever is changed, the only claims that are ever believed are those that were signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "pki/jwt.h"
#include "pki/key.h"

namespace pki = wherry::pki;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pki::JwtKey kKey(pki::newPrivateKey());
  static const std::string kClaims = R"({"sub":"system:serviceaccount:default:default","exp":1767225600})";
  static const std::string kToken = kKey.sign(kClaims);
  if (kKey.verify({reinterpret_cast<const char*>(data), size})) std::abort();
  std::string token = kToken;
  for (size_t i = 0; i + 1 < size && !token.empty(); i += 2) {
    size_t at = data[i] * size_t{2} % token.size();
    if (data[i + 1] == 0) {
      token.erase(at);
    } else {
      token[at] = static_cast<char>(data[i + 1]);
    }
  }
  auto claims = kKey.verify(token);
  if (claims && *claims != kClaims) std::abort();
  return 0;
}
