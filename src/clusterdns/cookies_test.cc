#include "clusterdns/cookies.h"

#include <gtest/gtest.h>

namespace wherry::clusterdns {
namespace {

constexpr uint32_t kNow = 1'800'000'000;
const std::string kAddress("\x0a\1\0\1", 4), kOther("\x0a\1\0\2", 4);
const std::string kClient = "clientid";

Cookies::Secret secretOf(unsigned char byte) {
  Cookies::Secret secret;
  secret.fill(byte);
  return secret;
}

std::string whole(const Cookies::ServerHalf& half) { return kClient + std::string(half.begin(), half.end()); }

TEST(CookiesTest, ItsOwnCookieIsGoodForThatClientOnly) {
  Cookies cookies(secretOf(1));
  std::string cookie = whole(cookies.make(kClient, kAddress, kNow));
  EXPECT_TRUE(cookies.check(cookie, kAddress, kNow));
  EXPECT_TRUE(Cookies(secretOf(1)).check(cookie, kAddress, kNow)) << "every thread knows it";
  EXPECT_FALSE(cookies.check(cookie, kOther, kNow)) << "another address";
  EXPECT_FALSE(Cookies(secretOf(2)).check(cookie, kAddress, kNow)) << "another secret";
  EXPECT_FALSE(cookies.check(kClient, kAddress, kNow)) << "only the client's half";
  std::string other = cookie;
  other[0] = 'x';
  EXPECT_FALSE(cookies.check(other, kAddress, kNow)) << "another client's half";
  other = cookie;
  other.back() = static_cast<char>(other.back() ^ 1);
  EXPECT_FALSE(cookies.check(other, kAddress, kNow)) << "a forged hash";
}

TEST(CookiesTest, IsGoodForAnHourAlsoWhenTheKeyChanges) {
  Cookies cookies(secretOf(1));
  uint32_t midnight = kNow / 86'400 * 86'400;
  std::string cookie = whole(cookies.make(kClient, kAddress, midnight - 10));
  EXPECT_TRUE(cookies.check(cookie, kAddress, midnight + 3000));
  EXPECT_FALSE(cookies.check(cookie, kAddress, midnight - 10 + 3601));
  EXPECT_FALSE(cookies.check(cookie, kAddress, midnight - 10 - 301)) << "from the future";
  Cookies::ServerHalf today = cookies.make(kClient, kAddress, midnight),
                      before = cookies.make(kClient, kAddress, midnight - 1);
  EXPECT_NE(std::string(today.begin() + 8, today.end()), std::string(before.begin() + 8, before.end()));
}

}  // namespace
}  // namespace wherry::clusterdns
