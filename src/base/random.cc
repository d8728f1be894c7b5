#include "base/random.h"

#include <cerrno>

#include <fmt/format.h>
#include <sys/random.h>

#include "base/fd.h"

namespace wherry::base {

std::string randomBytes(size_t count) {
  std::string bytes(count, '\0');
  for (size_t done = 0; done < count;) {
    ssize_t got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got < 0 && errno != EINTR) throwErrno("getrandom");
    if (got > 0) done += static_cast<size_t>(got);
  }
  return bytes;
}

uint32_t randomBelow(uint32_t bound) {
  // Values at the top that would favour small results are drawn again.
  const uint32_t limit = UINT32_MAX - UINT32_MAX % bound;
  for (;;) {
    std::string bytes = randomBytes(4);
    uint32_t value = 0;
    for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    if (value < limit) return value % bound;
  }
}

std::string newUuid() {
  std::string b = randomBytes(16);
  b[6] = static_cast<char>((b[6] & 0x0f) | 0x40);
  b[8] = static_cast<char>((b[8] & 0x3f) | 0x80);
  std::string out;
  for (size_t i = 0; i < b.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += fmt::format("{:02x}", static_cast<unsigned char>(b[i]));
  }
  return out;
}

std::string randomSuffix(size_t length) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (size_t i = 0; i < length; ++i) out += kAlphabet[randomBelow(kAlphabet.size())];
  return out;
}

}  // namespace wherry::base
