#include "clusterdns/cookies.h"

#include <algorithm>
#include <cstring>

#include <sodium.h>

#include "base/clock.h"
#include "base/random.h"

namespace wherry::clusterdns {
namespace {

constexpr uint32_t kDay = 86'400;
// RFC 9018 section 4.3
constexpr int32_t kOldest = 3600, kNewest = 300;
constexpr size_t kHeadSize = 8;  // version, three reserved bytes, time

uint32_t read32(std::string_view bytes) {
  uint32_t value = 0;
  for (char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

Cookies::Secret Cookies::randomSecret() {
  Secret secret;
  std::string bytes = base::randomBytes(secret.size());
  std::copy(bytes.begin(), bytes.end(), secret.begin());
  return secret;
}

uint32_t Cookies::now() {
  auto since = base::Clock::system().now().time_since_epoch();
  return static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

const Cookies::Key& Cookies::keyOf(uint32_t time) {
  uint32_t number = time / kDay;
  Day& day = days_[number % days_.size()];
  if (day.number != number) {
    crypto_generichash(day.key.data(), day.key.size(), reinterpret_cast<const unsigned char*>(&number), sizeof number,
                       secret_.data(), secret_.size());
    day.number = number;
  }
  return day.key;
}

Cookies::ServerHalf Cookies::make(std::string_view cookie, std::string_view address, uint32_t now) {
  static_assert(crypto_shorthash_KEYBYTES == sizeof(Key) && crypto_shorthash_BYTES == 8);
  // RFC 9018 section 4.4: client cookie | version | reserved | timestamp | client address
  std::array<char, dns::kClientCookieSize + kHeadSize + 16> input{};
  std::copy_n(cookie.begin(), dns::kClientCookieSize, input.begin());
  char* head = input.data() + dns::kClientCookieSize;
  head[0] = 1;
  for (size_t i = 0; i < 4; ++i) head[4 + i] = static_cast<char>(now >> (24 - 8 * i));
  std::copy(address.begin(), address.end(), head + kHeadSize);
  ServerHalf half;
  std::copy_n(head, kHeadSize, half.begin());
  crypto_shorthash(reinterpret_cast<unsigned char*>(half.data() + kHeadSize),
                   reinterpret_cast<const unsigned char*>(input.data()),
                   dns::kClientCookieSize + kHeadSize + address.size(), keyOf(now).data());
  return half;
}

bool Cookies::check(std::string_view cookie, std::string_view address, uint32_t now) {
  if (cookie.size() != dns::kClientCookieSize + dns::kServerCookieSize) return false;
  std::string_view server = cookie.substr(dns::kClientCookieSize);
  uint32_t made = read32(server.substr(4));
  auto age = static_cast<int32_t>(now - made);  // RFC 1982
  if (age > kOldest || age < -kNewest) return false;
  ServerHalf expected = make(cookie, address, made);
  return sodium_memcmp(expected.data(), server.data(), expected.size()) == 0;
}

}  // namespace wherry::clusterdns
