// The server's half of DNS cookies (RFC 7873), made as RFC 9018 says: a keyed hash (SipHash-2-4) over the client's
// half, the time and the client's address, so that nothing is kept of any client. The key is another one each day; a
// cookie says by its time which one it was made with.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dns/message.h"

namespace wherry::clusterdns {

class Cookies {
 public:
  using Secret = std::array<unsigned char, 32>;
  using ServerHalf = std::array<char, dns::kServerCookieSize>;

  // `secret`: the same for all threads of a server. Instances are not thread-safe; they keep the keys of two days.
  explicit Cookies(const Secret& secret) : secret_(secret) {}
  static Secret randomSecret();

  // `cookie`: as the query had it, 8 bytes or more; `address`: the client's, 4 or 16 bytes; `now`: seconds since 1970.
  // True when it is a whole one, ours, and not older than an hour: the client's address is not forged.
  bool check(std::string_view cookie, std::string_view address, uint32_t now);
  // What goes with the client's half in the answer.
  ServerHalf make(std::string_view cookie, std::string_view address, uint32_t now);
  static uint32_t now();

 private:
  using Key = std::array<unsigned char, 16>;
  const Key& keyOf(uint32_t time);

  Secret secret_;
  struct Day {
    uint32_t number = UINT32_MAX;
    Key key;
  };
  std::array<Day, 2> days_;
};

}  // namespace wherry::clusterdns
