#include "base/utf8.h"

#include <cstddef>
#include <cstdint>

namespace wherry::base {
namespace {

// The length of the well-formed character at the beginning; 0 when there is none.
size_t characterLength(std::string_view text) {
  auto byte = [&](size_t at) { return at < text.size() ? static_cast<uint8_t>(text[at]) : uint8_t{0}; };
  auto continues = [&](size_t at) { return (byte(at) & 0xc0) == 0x80; };
  uint8_t first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    bool overlong = first == 0xe0 && second < 0xa0, surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    bool overlong = first == 0xf0 && second < 0x90, beyond = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string toUtf8(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    size_t length = characterLength(bytes);
    if (length == 0)
      out += "\xef\xbf\xbd";
    else
      out += bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

}  // namespace wherry::base
