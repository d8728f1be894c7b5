#include "net/utf8_check.h"

namespace wherry::net {

// RFC 3629 section 4: the second byte's range is narrower where a shorter form, a surrogate or a number above U+10FFFF
// would follow.
bool Utf8Check::add(std::string_view bytes) {
  for (char c : bytes) {
    auto byte = static_cast<uint8_t>(c);
    if (left_ > 0) {
      if (byte < low_ || byte > high_) return false;
      --left_;
      low_ = 0x80;
      high_ = 0xbf;
      continue;
    }
    if (byte < 0x80) continue;
    if (byte < 0xc2 || byte > 0xf4) return false;
    left_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte == 0xe0) low_ = 0xa0;
    if (byte == 0xed) high_ = 0x9f;
    if (byte == 0xf0) low_ = 0x90;
    if (byte == 0xf4) high_ = 0x8f;
  }
  return true;
}

}  // namespace wherry::net
