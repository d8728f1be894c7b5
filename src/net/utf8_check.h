// Whether bytes are UTF-8 (RFC 3629), checked as they come. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace wherry::net {

class Utf8Check {
 public:
  // False once the bytes can't be the beginning of a UTF-8 text.
  bool add(std::string_view bytes);
  // No character is left unfinished.
  bool complete() const { return left_ == 0; }

 private:
  int left_ = 0;                      // bytes of the current character that have not come
  uint8_t low_ = 0x80, high_ = 0xbf;  // of the next one
};

}  // namespace wherry::net
